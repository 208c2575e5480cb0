// id: new-method
// number: S31
// title: Register a way to sign in
// sentence: {source} registers another way to sign in: {target}
// needs: [OBSERVED]
// hold: foothold
// profile: quiet
// attack: [T1098.005, T1556.006]
// survives_reset: yes
// closes_with: Remove every method and device that was added meanwhile
// confirmed_by: [User registered security info, Add registered owner to device]
// likelihood: medium; ordinal hint of the step table, no study
// limits: The record stands for what was registered, as no source lists methods and devices with their times. One that was removed since is not told from one that stays.
MATCH (a:Account)<-[w:OBSERVED]-(o:Observation)
WHERE w.role IN ['actor', 'target'] AND o.at IS NOT NULL AND coalesce(o.succeeded, true)
  AND o.operation IN ['User registered security info', 'User registered all required security info', 'Admin registered security info', 'Add registered owner to device', 'Add registered owner to device.', 'user.mfa.factor.activate', '2sv_enroll', 'passkey_enrolled']
WITH a, o, min(w.fact) AS shown
RETURN a.key AS source, o.key AS target, o.at AS opens, o.at + 1 AS closes, [shown] AS because
