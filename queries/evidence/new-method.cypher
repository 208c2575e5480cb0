// step: new-method
// title: A method or device registered, in the audit log
// logs: [audit log]
// scope: source
// limits: Records of devices are left out where they are read as upkeep.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role IN ['actor', 'target'] AND o.at IS NOT NULL
  AND o.operation IN ['User registered security info', 'User registered all required security info', 'Admin registered security info', 'Add registered owner to device',
                      'Add registered owner to device.', 'user.mfa.factor.activate', '2sv_enroll', 'passkey_enrolled']
RETURN DISTINCT a.key AS source, o.key AS target, o.key AS observation
