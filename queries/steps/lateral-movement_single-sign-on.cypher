// id: single-sign-on
// number: S12
// title: Sign in to a service with the same identity
// sentence: {source} signs in to {target}
// needs: [SIGNS_IN_TO]
// hold: borrowed
// attack: [T1021.007, T1078.004, T1550.004]
// survives_reset: no
// closes_with: Revoke sessions and tokens; change the password
// confirmed_by: [sign-in log of the service]
// likelihood: high; though 78 % of attackers used nothing but mail (Shah et al. 2020, 159 accounts)
// limits: A policy that asks for a second factor or a known device is not seen.
MATCH (a:Account|`Group`)-[r:SIGNS_IN_TO]->(s:Service)
WHERE r.via IN ['sso', 'web'] AND coalesce(s.type, '') <> 'mail system'
RETURN a.key AS source, s.key AS target, r.valid_from AS opens, r.valid_until AS closes, [r.fact] AS because
