// step: server-administrator
// title: Services installed and administrators' shares opened, in the Windows log
// logs: [logons]
// scope: target
// limits: Software that is rolled out installs services too. A service that Windows installs itself names nobody.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation IN ['4697', '7045', '5140']
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(h:Server)
WHERE r.role = 'target'
RETURN DISTINCT a.key AS source, h.key AS target, o.key AS observation
