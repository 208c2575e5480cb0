// id: write-owner
// number: AD03
// title: Own an object of the directory, or make oneself its owner
// sentence: {source} owns {target} in the directory, or may make itself its owner
// needs: [CONTROLS]
// hold: foothold
// profile: rights
// attack: [T1222.001, T1098]
// survives_reset: yes
// closes_with: Give the object another owner and remove the right; reset the account, clear the group or reimage the server that it gave
// confirmed_by: [Windows 5136 of nTSecurityDescriptor, Windows 4670]
// likelihood: low; ordinal hint of the step table, no study
// limits: Rights that an entry for OWNER RIGHTS takes from the owner are not seen.
MATCH (a:Account|`Group`|Server)-[c:CONTROLS]->(t:Account|`Group`|Server|Container)
WHERE c.through IS NULL AND c.`right` IN ['WriteOwner', 'Owns']
RETURN a.key AS source, t.key AS target, c.valid_from AS opens, c.valid_until AS closes, [c.fact] AS because
