// step: transport-rule
// title: Transport rules made or changed, in the audit log
// logs: [audit log]
// scope: source
// limits: Rules older than the log are not in it.
MATCH (o:Observation)-[t:OBSERVED]->(r:Rule)
WHERE t.role = 'target' AND r.type = 'transport rule' AND o.operation IN ['New-TransportRule', 'Set-TransportRule', 'Enable-TransportRule']
WITH DISTINCT o, r
MATCH (o)-[w:OBSERVED]->(s:Service)
WHERE w.role = 'mailbox'
RETURN DISTINCT s.key AS source, r.key AS target, o.key AS observation
