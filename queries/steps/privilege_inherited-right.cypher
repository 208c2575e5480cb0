// id: inherited-right
// number: AD15
// title: Use a right that was given on a unit for what lies in it
// sentence: {source} has a right on the unit of {target}, which takes it over
// needs: [CONTROLS]
// hold: foothold
// profile: rights
// attack: [T1098, T1098.007]
// survives_reset: yes
// closes_with: Remove the right on the unit; reset the account, clear the group or reimage the server that it gave
// confirmed_by: [Windows 5136 on the object, Windows 4724, Windows 4728 / 4732 / 4756]
// likelihood: low; ordinal hint of the step table, no study
// limits: Only rights that the source states on a unit and not on the objects in it; an inherited right that is stated on the object itself is a step of its own kind.
MATCH (a:Account|`Group`|Server)-[c:CONTROLS]->(t:Account|`Group`|Server)
WHERE c.through IS NOT NULL
  AND (c.`right` = 'GenericWrite'
    OR (t.kind = 'Account' AND c.`right` IN ['ForceChangePassword', 'AllExtendedRights', 'AddKeyCredentialLink'])
    OR (t.kind = 'Group' AND c.`right` IN ['AddMember', 'AddSelf'])
    OR (t.kind = 'Server' AND c.`right` IN ['AdminTo', 'ReadLAPSPassword', 'SyncLAPSPassword', 'AllExtendedRights', 'AddKeyCredentialLink', 'AddAllowedToAct', 'WriteAccountRestrictions', 'AllowedToAct', 'AllowedToDelegate', 'SQLAdmin']))
RETURN a.key AS source, t.key AS target, c.valid_from AS opens, c.valid_until AS closes, [c.fact] AS because
