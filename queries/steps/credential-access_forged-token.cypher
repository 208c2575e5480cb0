// id: forged-token
// number: S33
// title: Sign tokens with a stolen signing key
// sentence: {source} signs tokens that {target} accepts
// needs: [OPENS]
// hold: foothold
// profile: quiet
// attack: [T1606.002, T1550.001]
// survives_reset: yes
// closes_with: Replace the signing key and revoke all tokens of what accepts it
// confirmed_by: [MailItemsAccessed with an unknown application]
// likelihood: rare; seen once of a provider's key (Storm-0558, as CISA's review board told in March 2024)
// limits: Only where an analyst states that a signing key is accepted there (ways.csv): that one was taken is known from outside.
MATCH (s:Secret)-[o:OPENS]->(t:Account|Service|Server)
WHERE s.secret_kind = 'signing key'
RETURN s.key AS source, t.key AS target, o.valid_from AS opens, o.valid_until AS closes, [o.fact] AS because
