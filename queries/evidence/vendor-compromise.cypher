// step: vendor-compromise
// title: Mail sent to the correspondent, in the audit log
// logs: [audit log, message trace]
// scope: source
// limits: Mail that goes on with the thread from a look-alike domain is sent elsewhere, and never seen here.
MATCH (o:Observation)-[b:OBSERVED]->(m:Mailbox)
WHERE b.role = 'mailbox' AND o.operation IN ['Send', 'SendAs', 'SendOnBehalf', 'gmail sent', 'gmail replied to', 'gmail forwarded']
WITH DISTINCT o, m
MATCH (o)-[r:OBSERVED]->(x:Message)
WHERE r.role = 'message'
WITH DISTINCT o, m, x
MATCH (x)-[:ADDRESSED_TO]->(c:Correspondent)
WHERE NOT coalesce(c.internal, false)
RETURN DISTINCT m.key AS source, c.key AS target, o.key AS observation
