// step: resource-delegation
// title: Delegation to a server accepted, in the log of a domain controller
// logs: [audit log, logons]
// scope: target
// limits: Administrators set up delegation in the same way. Only where the directory that names the object was loaded.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation = '5136' AND o.note = 'added msDS-AllowedToActOnBehalfOfOtherIdentity'
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(t:Server)
WHERE r.role = 'target' AND t.key <> a.key
RETURN DISTINCT a.key AS source, t.key AS target, o.key AS observation
