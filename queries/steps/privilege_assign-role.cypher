// id: assign-role
// number: S21
// title: Give oneself the highest role of a tenant
// sentence: {source} may give anybody the role {target}
// needs: [CONTROLS]
// hold: foothold
// profile: rights
// attack: [T1098.003]
// survives_reset: yes
// closes_with: Remove the role; look for roles that were given meanwhile
// confirmed_by: [Add member to role]
// likelihood: low; ordinal hint: rare, of the widest reach
// limits: Of the roles that can be given, only those that reset every password are followed, and only where a source names them. A global administrator, who may do so too, holds all that it would give.
MATCH (r:Role)-[c:CONTROLS]->(t:Container)
WHERE t.type = 'tenant' AND c.`right` = 'AssignRole'
WITH DISTINCT r, t, c.fact AS c_fact, c.valid_from AS c_from, c.valid_until AS c_until
MATCH (t)<-[d:CONTROLS]-(q:Role)
WHERE d.`right` = 'ResetAnyPassword'
RETURN r.key AS source, q.key AS target,
       CASE WHEN c_from IS NULL THEN d.valid_from WHEN d.valid_from IS NULL THEN c_from WHEN c_from > d.valid_from THEN c_from ELSE d.valid_from END AS opens,
       CASE WHEN c_until IS NULL THEN d.valid_until WHEN d.valid_until IS NULL THEN c_until WHEN c_until < d.valid_until THEN c_until ELSE d.valid_until END AS closes,
       [c_fact, d.fact] AS because
