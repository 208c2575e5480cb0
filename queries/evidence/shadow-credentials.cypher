// step: shadow-credentials
// title: Keys added to an account, in the log of a domain controller
// logs: [audit log, logons]
// scope: target
// limits: Windows Hello adds such keys too, and a server its own. Only where the directory that names the object was loaded.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation = '5136' AND o.note = 'added msDS-KeyCredentialLink'
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(t:Account|Server)
WHERE r.role = 'target' AND t.key <> a.key
RETURN DISTINCT a.key AS source, t.key AS target, o.key AS observation
