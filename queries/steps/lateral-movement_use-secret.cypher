// id: use-secret
// number: S10
// title: Sign in with a credential that was found
// sentence: {source} opens {target}
// needs: [OPENS]
// hold: foothold
// profile: quiet
// attack: [T1078]
// survives_reset: yes
// closes_with: Rotate the credential and reset what it opened
// confirmed_by: [sign-in log of what it opens]
// likelihood: high; ordinal hint: a credential is found to be used
// limits: Only where a source says what a credential opens. A second factor is not seen.
MATCH (s:Secret)-[o:OPENS]->(t:Account|Service|Server)
RETURN s.key AS source, t.key AS target, o.valid_from AS opens, o.valid_until AS closes, [o.fact] AS because
