// step: forwarded-mail
// title: A copy that a rule sent to the mailbox, in the tracking log
// logs: [message trace]
// scope: source
// limits: Shows that the copy was sent there, not that somebody read it.
MATCH (o:Observation)-[t:OBSERVED]->(r:Rule)
WHERE t.role = 'target' AND o.operation = 'MAILBOXRULE'
WITH DISTINCT o, r
MATCH (o)-[u:OBSERVED]->(c:Correspondent)
WHERE u.role = 'target' AND EXISTS { MATCH (r)-[:FORWARDS_TO]->(c) }
WITH DISTINCT o, r, c
MATCH (n:Mailbox|`Group`)-[:HAS_ADDRESS]->(c)
RETURN DISTINCT n.key AS source, r.key AS target, o.key AS observation
UNION
MATCH (o:Observation)-[b:OBSERVED]->(m:Mailbox)
WHERE b.role = 'mailbox' AND o.operation = 'gmail forwarded automatically'
WITH DISTINCT o, m
MATCH (o)-[t:OBSERVED]->(c:Correspondent)
WHERE t.role = 'target'
WITH DISTINCT o, m, c
MATCH (m)-[:PASSES_THROUGH]->(r:Rule)
WHERE EXISTS { MATCH (r)-[:FORWARDS_TO]->(c) }
WITH DISTINCT o, r, c
MATCH (n:Mailbox|`Group`)-[:HAS_ADDRESS]->(c)
RETURN DISTINCT n.key AS source, r.key AS target, o.key AS observation
