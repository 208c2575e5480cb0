// step: session-harvest
// title: The credential of somebody signed in to a server, used there by another
// logs: [logons]
// scope: source
// limits: Somebody who uses a second account of his own leaves the same record (4648). Taking a credential leaves none; one that is used from elsewhere is seen there only.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation = '4648'
WITH DISTINCT o, a
MATCH (o)-[u:OBSERVED]->(b:Account)
WHERE u.role = 'target' AND b.key <> a.key
WITH DISTINCT o, b
MATCH (o)-[r:OBSERVED]->(h:Server)
WHERE r.role = 'target' AND EXISTS { MATCH (b)-[:SESSION_ON]->(h) }
RETURN DISTINCT h.key AS source, b.key AS target, o.key AS observation
