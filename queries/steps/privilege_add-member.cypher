// id: add-member
// number: AD05
// title: Make oneself a member of a group
// sentence: {source} may add itself to {target}
// needs: [CONTROLS]
// hold: foothold
// profile: rights
// attack: [T1098.007]
// survives_reset: yes
// closes_with: Remove the right and the member that was added
// confirmed_by: [Windows 4728 / 4732 / 4756, Windows 5136 of member]
// likelihood: low; ordinal hint of the step table, no study
// limits: A membership that was added lasts until somebody takes it away, whatever becomes of the right: so it is a foothold.
MATCH (a:Account|`Group`|Server)-[c:CONTROLS]->(t:`Group`)
WHERE c.through IS NULL AND c.`right` IN ['AddMember', 'AddSelf']
RETURN a.key AS source, t.key AS target, c.valid_from AS opens, c.valid_until AS closes, [c.fact] AS because
