// step: forwarding-target
// title: A rule that sent a copy on, in the tracking log
// logs: [message trace]
// scope: source
// limits: A trace without the events of rules shows the copy as mail of its own. Two rules of one mailbox to one address are not told apart.
MATCH (o:Observation)-[t:OBSERVED]->(r:Rule)
WHERE t.role = 'target' AND o.operation = 'MAILBOXRULE'
WITH DISTINCT o, r
MATCH (o)-[u:OBSERVED]->(c:Correspondent)
WHERE u.role = 'target' AND EXISTS { MATCH (r)-[:FORWARDS_TO]->(c) }
RETURN DISTINCT r.key AS source, c.key AS target, o.key AS observation
UNION
MATCH (o:Observation)-[b:OBSERVED]->(m:Mailbox)
WHERE b.role = 'mailbox' AND o.operation = 'gmail forwarded automatically'
WITH DISTINCT o, m
MATCH (o)-[t:OBSERVED]->(c:Correspondent)
WHERE t.role = 'target'
WITH DISTINCT o, m, c
MATCH (m)-[:PASSES_THROUGH]->(r:Rule)
WHERE EXISTS { MATCH (r)-[:FORWARDS_TO]->(c) }
RETURN DISTINCT r.key AS source, c.key AS target, o.key AS observation
