// id: federation-trust
// number: S27
// title: Make a tenant trust a signing key of one's own
// sentence: {source} changed whose signatures the tenant accepts, and can act there with the rights of {target}
// needs: [OBSERVED, BELONGS_TO, CONTROLS]
// hold: foothold
// profile: rights
// attack: [T1484.002, T1556.007, T1606.002]
// survives_reset: yes
// closes_with: Restore the federation settings of every domain and remove keys that were added; revoke all tokens of the tenant
// confirmed_by: [Set federation settings on domain, Set domain authentication]
// likelihood: rare; seen in few cases of espionage
// limits: The record stands for the change: no source lists the keys that a tenant accepts, with their times. Whether the settings were changed for an attacker or by routine is not told. Who may do this could also do it unseen, before the log began.
MATCH (a:Account)<-[w:OBSERVED]-(o:Observation)
WHERE w.role = 'actor' AND o.at IS NOT NULL AND coalesce(o.succeeded, true)
  AND o.operation IN ['Set federation settings on domain', 'Set federation settings on domain.', 'Set domain authentication', 'Set domain authentication.']
WITH DISTINCT a, o, w.fact AS shown
MATCH (a)-[b:BELONGS_TO]->(t:Container)
WHERE t.type = 'tenant'
WITH DISTINCT a, o, shown, t, b.fact AS b_fact, b.valid_from AS b_from, b.valid_until AS b_until
MATCH (t)<-[c:CONTROLS]-(r:Role)
WHERE c.`right` = 'ResetAnyPassword'
WITH a.key AS source, r.key AS target, shown AS f0, b_fact AS f1, c.fact AS f2, [o.at, b_from, c.valid_from] AS froms, [o.at + 1, b_until, c.valid_until] AS untils
UNWIND froms AS since
WITH source, target, f0, f1, f2, untils, max(since) AS opens
UNWIND untils AS till
WITH source, target, f0, f1, f2, opens, min(till) AS closes
RETURN source, target, opens, closes, [f0, f1, f2] AS because
