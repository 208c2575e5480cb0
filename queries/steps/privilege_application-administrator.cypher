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
MATCH (r:Role)-[c:CONTROLS]->(t:Container)<-[b:BELONGS_TO]-(x:App)
WHERE t.type = 'tenant' AND c.`right` = 'AddSecret'
RETURN r.key AS source, x.key AS target,
       CASE WHEN c.valid_from IS NULL THEN b.valid_from WHEN b.valid_from IS NULL THEN c.valid_from WHEN c.valid_from > b.valid_from THEN c.valid_from ELSE b.valid_from END AS opens,
       CASE WHEN c.valid_until IS NULL THEN b.valid_until WHEN b.valid_until IS NULL THEN c.valid_until WHEN c.valid_until < b.valid_until THEN c.valid_until ELSE b.valid_until END AS closes,
       [c.fact, b.fact] AS because
