// step: server-administrator
// title: Logons with an administrator's privileges in the Windows log
// logs: [logons]
// scope: target
// limits: Privileges beyond those of a local administrator are not told apart, and some accounts have a part of them without administering. Logons by ssh are only seen on the wire, without the account.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND (o.operation = '4672' OR (o.operation = '4624' AND o.note STARTS WITH 'special privileges'))
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(h:Server)
WHERE r.role = 'target'
RETURN DISTINCT a.key AS source, h.key AS target, o.key AS observation
