// id: managed-password
// number: AD13
// title: Read the password of a managed service account
// sentence: {source} may read the managed password of {target}
// needs: [CONTROLS]
// hold: foothold
// profile: rights
// attack: [T1555]
// survives_reset: yes
// closes_with: Remove the right; wait for, or force, the next password of the account
// confirmed_by: [Windows 4662 of msDS-ManagedPassword]
// likelihood: medium; ordinal hint of the step table, no study
// limits: A stand-alone managed account is read on the server that runs it, by its administrator.
MATCH (a:Account|`Group`|Server)-[c:CONTROLS]->(t:Account)
WHERE c.`right` IN ['ReadGMSAPassword', 'DumpSMSAPassword']
RETURN a.key AS source, t.key AS target, c.valid_from AS opens, c.valid_until AS closes, [c.fact] AS because
