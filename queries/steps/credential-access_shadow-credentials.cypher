// id: shadow-credentials
// number: AD06
// title: Add a key of one's own to an account
// sentence: {source} may add a key with which it signs in as {target}
// needs: [CONTROLS]
// hold: foothold
// profile: rights
// attack: [T1098, T1556]
// survives_reset: yes
// closes_with: Remove the right and every key of msDS-KeyCredentialLink that was added; reset the account
// confirmed_by: [Windows 5136 of msDS-KeyCredentialLink, Windows 4768 with a certificate]
// likelihood: low; ordinal hint of the step table, no study
// limits: Needs a domain controller of version 2016 or newer with a certificate, which is not seen.
MATCH (a:Account|`Group`|Server)-[c:CONTROLS]->(t:Account|Server)
WHERE c.through IS NULL AND c.`right` = 'AddKeyCredentialLink'
RETURN a.key AS source, t.key AS target, c.valid_from AS opens, c.valid_until AS closes, [c.fact] AS because
