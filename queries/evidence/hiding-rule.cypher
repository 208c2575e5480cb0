// step: hiding-rule
// title: A rule that hides mail, made or changed in the audit log
// logs: [audit log]
// scope: source
// limits: What the rule does is what it did last. A record that ends it is none of its making.
MATCH (o:Observation)-[b:OBSERVED]->(m:Mailbox)
WHERE b.role = 'mailbox' AND o.operation IN ['New-InboxRule', 'Set-InboxRule', 'Enable-InboxRule', 'UpdateInboxRules']
WITH DISTINCT o, m
MATCH (o)-[t:OBSERVED]->(r:Rule)
WHERE t.role = 'target' AND r.hides AND (r.type IS NULL OR r.type <> 'transport rule')
  AND NOT EXISTS { MATCH (m)-[p:PASSES_THROUGH]->(r) WHERE p.valid_until = o.at }
RETURN DISTINCT m.key AS source, r.key AS target, o.key AS observation
