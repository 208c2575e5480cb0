// id: application-administrator
// number: S21
// title: Give a secret to any application of a tenant
// sentence: {source} may give a secret of its own to {target}
// needs: [CONTROLS, BELONGS_TO]
// hold: foothold
// profile: rights
// attack: [T1098.001, T1078.004]
// survives_reset: yes
// closes_with: Remove the role; remove every secret and certificate of the application that was added meanwhile
// confirmed_by: [Add service principal credentials, Update application - Certificates and secrets management]
// likelihood: low; ordinal hint: rare, of the widest reach
// limits: A lock on the application's properties can forbid it. Applications of Microsoft's own are left out by the loaders.
MATCH (r:Role)-[c:CONTROLS]->(t:Container)
WHERE t.type = 'tenant' AND c.`right` = 'AddSecret'
WITH DISTINCT r, t, c.fact AS c_fact, c.valid_from AS c_from, c.valid_until AS c_until
MATCH (t)<-[b:BELONGS_TO]-(x:App)
RETURN r.key AS source, x.key AS target,
       CASE WHEN c_from IS NULL THEN b.valid_from WHEN b.valid_from IS NULL THEN c_from WHEN c_from > b.valid_from THEN c_from ELSE b.valid_from END AS opens,
       CASE WHEN c_until IS NULL THEN b.valid_until WHEN b.valid_until IS NULL THEN c_until WHEN c_until < b.valid_until THEN c_until ELSE b.valid_until END AS closes,
       [c_fact, b.fact] AS because
