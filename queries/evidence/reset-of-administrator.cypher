// step: reset-of-administrator
// title: Administrators' passwords reset by somebody else, in the audit log
// logs: [audit log]
// scope: target
// limits: Of which role the reset was made is not told: it stands for each that may.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account|App)
WHERE w.role = 'actor' AND o.operation IN ['Reset user password', 'Reset user password.', 'Reset password (by admin)', 'user.account.reset_password', 'user.account.update_password']
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(b:Account)
WHERE r.role = 'target' AND b.key <> a.key
WITH DISTINCT o, b
MATCH (b)-[:BELONGS_TO]->(t:Container)
WHERE t.type = 'tenant'
WITH DISTINCT o, b, t
MATCH (t)<-[c:CONTROLS]-(x:Role)
WHERE c.`right` = 'ResetAnyPassword'
RETURN DISTINCT x.key AS source, b.key AS target, o.key AS observation
