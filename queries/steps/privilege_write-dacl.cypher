// id: write-dacl
// number: AD02
// title: Give oneself rights on an object of the directory
// sentence: {source} may give itself every right on {target}
// needs: [CONTROLS]
// hold: foothold
// profile: rights
// attack: [T1222.001, T1098]
// survives_reset: yes
// closes_with: Remove the right; reset the account, clear the group or reimage the server that it gave
// confirmed_by: [Windows 5136 of nTSecurityDescriptor, Windows 4670]
// likelihood: low; ordinal hint of the step table, no study
// limits: An entry that denies is not seen.
MATCH (a:Account|`Group`|Server)-[c:CONTROLS]->(t:Account|`Group`|Server|Container)
WHERE c.through IS NULL AND c.`right` = 'WriteDacl'
RETURN a.key AS source, t.key AS target, c.valid_from AS opens, c.valid_until AS closes, [c.fact] AS because
