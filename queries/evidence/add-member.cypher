// step: add-member
// title: Members added to a group, in the Windows log
// logs: [audit log, logons]
// scope: target
// limits: By which right it was done is not told: an administrator leaves the same record. Who became a member is not asked.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation IN ['4728', '4732', '4756']
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(g:`Group`)
WHERE r.role = 'target'
RETURN DISTINCT a.key AS source, g.key AS target, o.key AS observation
