// step: dcsync
// title: Secrets of the directory copied, in the log of a domain controller
// logs: [audit log, logons]
// scope: source
// limits: Written only where the directory is audited for it. The domain is that of the controller, which the directory must name; synchronisation with a cloud copies it too.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation = '4662'
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(h:Server)
WHERE r.role = 'target'
WITH DISTINCT o, a, h
MATCH (h)-[:BELONGS_TO]->(d:Container)
WHERE d.type = 'domain'
RETURN DISTINCT a.key AS source, d.key AS target, o.key AS observation
UNION
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation = '4662'
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(h:Server)
WHERE r.role = 'target'
WITH DISTINCT o, a, h
MATCH (h)-[:SAME_IDENTITY]-(:Server)-[:BELONGS_TO]->(d:Container)
WHERE d.type = 'domain'
RETURN DISTINCT a.key AS source, d.key AS target, o.key AS observation
