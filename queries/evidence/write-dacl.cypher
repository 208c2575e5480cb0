// step: write-dacl
// title: Rights on an object changed, in the log of a domain controller
// logs: [audit log, logons]
// scope: target
// limits: What was changed is not kept. Only where the directory that names the object was loaded.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation = '5136' AND o.note = 'added nTSecurityDescriptor'
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(t:Account|`Group`|Server|Container)
WHERE r.role = 'target' AND t.key <> a.key
RETURN DISTINCT a.key AS source, t.key AS target, o.key AS observation
