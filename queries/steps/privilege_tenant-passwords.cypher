// id: tenant-passwords
// number: S21
// title: Reset passwords in a tenant
// sentence: {source} may reset passwords in {target}
// needs: [CONTROLS]
// hold: borrowed
// profile: rights
// taken: by itself
// attack: [T1078.004]
// survives_reset: no
// closes_with: Remove the role; look for rights it gave meanwhile
// confirmed_by: [Reset user password]
// likelihood: low; ordinal hint: rare, of the widest reach
// limits: A role that is limited to an administrative unit is not given this by the loaders.
MATCH (r:Role)-[c:CONTROLS]->(t:Container)
WHERE t.type = 'tenant' AND c.`right` IN ['ResetPassword', 'ResetAnyPassword']
RETURN r.key AS source, t.key AS target, c.valid_from AS opens, c.valid_until AS closes, [c.fact] AS because
