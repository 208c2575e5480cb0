// step: group-policy
// title: Versions of a policy, in the log of a domain controller
// logs: [audit log]
// scope: source
// limits: What was changed in the policy is not kept, nor files under SYSVOL. Only where the directory that names the policy was loaded.
MATCH (o:Observation)-[r:OBSERVED]->(p:Container)
WHERE r.role = 'target' AND o.operation = '5136' AND o.note = 'added versionNumber'
WITH DISTINCT o, p
MATCH (p)-[:LINKED_TO]->(u:Container)-[:CONTAINS]->(t:Account|Server)
RETURN DISTINCT p.key AS source, t.key AS target, o.key AS observation
