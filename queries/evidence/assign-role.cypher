// step: assign-role
// title: Roles given, or made possible, in the audit log
// logs: [audit log]
// scope: target
// limits: A role that was made possible for somebody (eligible) counts as given. By which role it was given is not told.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account|App)
WHERE w.role = 'actor' AND (o.operation STARTS WITH 'Add member to role' OR o.operation STARTS WITH 'Add eligible member to role')
  AND NOT (o.operation CONTAINS 'requested' OR o.operation CONTAINS 'PIM activation' OR o.operation CONTAINS 'approval' OR o.operation CONTAINS 'denied' OR o.operation CONTAINS 'cancel')
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(q:Role)
WHERE r.role = 'target'
WITH DISTINCT o, q
MATCH (q)-[d:CONTROLS]->(t:Container)
WHERE t.type = 'tenant' AND d.`right` = 'ResetAnyPassword'
WITH DISTINCT o, q, t
MATCH (t)<-[c:CONTROLS]-(x:Role)
WHERE c.`right` = 'AssignRole'
RETURN DISTINCT x.key AS source, q.key AS target, o.key AS observation
