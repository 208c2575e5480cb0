// id: password-reset
// number: AD04
// title: Set a new password for another account
// sentence: {source} may set a new password for {target}
// needs: [CONTROLS]
// hold: foothold
// profile: rights
// attack: [T1098]
// survives_reset: yes
// closes_with: Remove the right; reset the account
// confirmed_by: [Windows 4724]
// likelihood: low; ordinal hint of the step table, no study
// limits: The owner of the account notices that the old password fails. Accounts that are switched off are not told apart.
MATCH (a:Account|`Group`|Server)-[c:CONTROLS]->(t:Account)
WHERE c.through IS NULL AND c.`right` IN ['ForceChangePassword', 'AllExtendedRights']
RETURN a.key AS source, t.key AS target, c.valid_from AS opens, c.valid_until AS closes, [c.fact] AS because
