// step: remote-access
// title: Remote desktop logons, and sessions taken up again, in the Windows log
// logs: [logons, sign-ins, network]
// scope: target
// limits: Remote desktop only: a remote shell looks like any logon from the network.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND (o.operation IN ['21', '25', '1149'] OR (o.operation IN ['4624', '4778'] AND o.as_who IN ['10 remote interactive', '12 cached remote interactive']))
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(h:Server)
WHERE r.role = 'target'
WITH DISTINCT o, a, h
MATCH (h)-[:HOSTS]->(s:Service)
WHERE s.type = 'remote desktop'
RETURN DISTINCT a.key AS source, s.key AS target, o.key AS observation
