// step: password-reset
// title: Passwords set by another account, in the Windows log
// logs: [audit log, logons]
// scope: target
// limits: By which right it was done is not told. Help desks set passwords every day.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation = '4724'
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(b:Account)
WHERE r.role = 'target' AND b.key <> a.key
RETURN DISTINCT a.key AS source, b.key AS target, o.key AS observation
