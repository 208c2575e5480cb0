// step: activated-role
// title: Activations of a role, in the audit log
// logs: [audit log]
// scope: source
// limits: Administrators activate their roles in their daily work. The record of the request is left out: only the completed activation counts.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation CONTAINS 'PIM activation' AND o.operation CONTAINS 'completed'
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(q:Role)
WHERE r.role = 'target'
RETURN DISTINCT a.key AS source, q.key AS target, o.key AS observation
