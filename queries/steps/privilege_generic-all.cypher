// id: generic-all
// number: AD01
// title: Take over an object of the directory by full or write control
// sentence: {source} controls {target} in the directory
// needs: [CONTROLS]
// hold: foothold
// profile: rights
// attack: [T1098, T1098.007]
// survives_reset: yes
// closes_with: Remove the right; reset the account, clear the group or reimage the server that it gave
// confirmed_by: [Windows 5136 on the object, Windows 4724, Windows 4728 / 4732 / 4756]
// likelihood: low; ordinal hint of the step table, no study
// limits: GenericWrite of a user or computer leads through key credentials or delegation, which need a controller of version 2016 or an account with a service name; on a unit or domain it is not followed. An entry that denies is not seen.
MATCH (a:Account|`Group`|Server)-[c:CONTROLS]->(t:Account|`Group`|Server|Container)
WHERE c.through IS NULL
  AND (c.`right` = 'GenericAll' OR (c.`right` = 'GenericWrite' AND (t.kind <> 'Container' OR t.type = 'group policy')))
RETURN a.key AS source, t.key AS target, c.valid_from AS opens, c.valid_until AS closes, [c.fact] AS because
