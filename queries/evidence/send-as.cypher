// step: send-as
// title: Mail sent under another's name in the audit log
// logs: [audit log]
// scope: target
// limits: A group's right is used by a member, who stands for it.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation IN ['SendAs', 'SendOnBehalf']
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(c:Correspondent)
WHERE r.role = 'sender'
RETURN DISTINCT a.key AS source, c.key AS target, o.key AS observation
