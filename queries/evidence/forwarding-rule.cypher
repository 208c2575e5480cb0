// step: forwarding-rule
// title: A forwarding made or changed in the audit log
// logs: [audit log]
// scope: source
// limits: A rule made while no log was kept is possible still. A record that ends the rule is none of its making.
MATCH (o:Observation)-[b:OBSERVED]->(m:Mailbox)
WHERE b.role = 'mailbox' AND o.operation IN ['New-InboxRule', 'Set-InboxRule', 'Enable-InboxRule', 'UpdateInboxRules', 'Set-Mailbox']
WITH DISTINCT o, m
MATCH (o)-[t:OBSERVED]->(r:Rule)
WHERE t.role = 'target' AND (r.type IS NULL OR r.type <> 'transport rule')
  AND EXISTS { MATCH (r)-[:FORWARDS_TO]->(:Correspondent) }
  AND NOT EXISTS { MATCH (m)-[p:PASSES_THROUGH]->(r) WHERE p.valid_until = o.at }
RETURN DISTINCT m.key AS source, r.key AS target, o.key AS observation
UNION
MATCH (o:Observation)-[b:OBSERVED]->(m:Mailbox)
WHERE b.role = 'mailbox' AND o.operation = 'email_forwarding_out_of_domain'
WITH DISTINCT o, m
MATCH (o)-[t:OBSERVED]->(c:Correspondent)
WHERE t.role = 'target'
WITH DISTINCT o, m, c
MATCH (m)-[:PASSES_THROUGH]->(r:Rule)
WHERE r.type = 'mailbox forwarding' AND EXISTS { MATCH (r)-[:FORWARDS_TO]->(c) }
RETURN DISTINCT m.key AS source, r.key AS target, o.key AS observation
