// id: registered-method
// number: S31
// title: Come back by what was registered
// sentence: {source} lets in to {target} again
// needs: [OBSERVED]
// hold: borrowed
// profile: quiet
// attack: [T1098.005, T1556.006]
// survives_reset: yes
// closes_with: Remove every method and device that was added meanwhile
// confirmed_by: [sign-in log]
// likelihood: medium; ordinal hint of the step table, no study
// limits: Taken to let in without the password, as recovery by it does. One that was removed since is not told from one that stays.
MATCH (a:Account)<-[w:OBSERVED]-(o:Observation)
WHERE w.role IN ['actor', 'target'] AND o.at IS NOT NULL AND coalesce(o.succeeded, true)
  AND o.operation IN ['User registered security info', 'User registered all required security info', 'Admin registered security info', 'Add registered owner to device', 'Add registered owner to device.', 'user.mfa.factor.activate', '2sv_enroll', 'passkey_enrolled']
  AND (w.role = 'target' OR o.operation <> 'Admin registered security info' AND NOT EXISTS { MATCH (o)-[t:OBSERVED]->(:Account) WHERE t.role = 'target' })
WITH a, o, min(w.fact) AS shown, min(w.valid_until) AS till
RETURN o.key AS source, a.key AS target, o.at AS opens, till AS closes, [shown] AS because
