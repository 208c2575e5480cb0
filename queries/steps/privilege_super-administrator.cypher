// id: super-administrator
// number: S21
// title: Set a new password for any user of a Google domain
// sentence: {source} may set a new password for {target}
// needs: [ADMIN_TO, HOSTS, OWNS]
// hold: foothold
// profile: rights
// attack: [T1098, T1078.004]
// survives_reset: no
// closes_with: Reset the account and remove the methods that were registered for it
// confirmed_by: [CHANGE_PASSWORD]
// likelihood: low; ordinal hint: rare, of the widest reach
// limits: Only super administrators, and only users with a mailbox. Other roles may reset passwords too, which no source tells. A second factor is not seen.
MATCH (r:Role)-[d:ADMIN_TO]->(s:Service)-[h:HOSTS]->(m:Mailbox)<-[o:OWNS]-(a:Account)
WHERE r.system = 'google' AND r.name = 'super admin' AND s.type = 'mail system'
WITH r, a, d.fact AS f0, h.fact AS f1, o.fact AS f2, [d.valid_from, h.valid_from, o.valid_from] AS froms, [d.valid_until, h.valid_until, o.valid_until] AS untils
UNWIND froms AS since
WITH r, a, f0, f1, f2, untils, max(since) AS opens
UNWIND untils AS till
WITH r, a, f0, f1, f2, opens, min(till) AS closes
RETURN r.key AS source, a.key AS target, opens, closes, [f0, f1, f2] AS because
