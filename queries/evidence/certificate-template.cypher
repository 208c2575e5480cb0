// step: certificate-template
// title: Certificates issued in the name of another account, in the log of the authority
// logs: [audit log, logons]
// scope: source
// limits: A name that stands in the request itself and not beside it is not written to the log. The domain is that of the account that is named, or of who asked.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation = '4887' AND o.note ENDS WITH 'names another account'
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(b:Account)
WHERE r.role IN ['actor', 'target']
WITH DISTINCT o, a, b
MATCH (b)-[:BELONGS_TO]->(t:Container)
WHERE t.type = 'domain'
RETURN DISTINCT a.key AS source, t.key AS target, o.key AS observation
UNION
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation = '4887' AND o.note ENDS WITH 'names another account'
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(b:Account)
WHERE r.role IN ['actor', 'target']
WITH DISTINCT o, a, b
MATCH (b)-[:SAME_IDENTITY]-(:Account)-[:BELONGS_TO]->(t:Container)
WHERE t.type = 'domain'
RETURN DISTINCT a.key AS source, t.key AS target, o.key AS observation
