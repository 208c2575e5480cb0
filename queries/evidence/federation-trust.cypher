// step: federation-trust
// title: Federation settings of a domain changed, in the audit log
// logs: [audit log]
// scope: source
// limits: What they were changed to is not kept.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation IN ['Set federation settings on domain', 'Set federation settings on domain.', 'Set domain authentication', 'Set domain authentication.']
WITH DISTINCT o, a
MATCH (a)-[:BELONGS_TO]->(t:Container)
WHERE t.type = 'tenant'
WITH DISTINCT o, a, t
MATCH (t)<-[c:CONTROLS]-(r:Role)
WHERE c.`right` = 'ResetAnyPassword'
RETURN DISTINCT a.key AS source, r.key AS target, o.key AS observation
