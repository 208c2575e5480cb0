// id: group-member
// number: S06
// title: Hold the rights of a group
// sentence: {source} is a member of {target}
// needs: [MEMBER_OF]
// hold: borrowed
// profile: rights
// taken: by itself
// attack: [T1069.003, T1078.002]
// survives_reset: no
// closes_with: Remove the membership
// confirmed_by: [group membership audit]
// likelihood: certain; it is a membership
// limits: Rights that a policy denies to a member are not seen.
MATCH (a:Account|`Group`|Server|App)-[r:MEMBER_OF]->(g:`Group`)
RETURN a.key AS source, g.key AS target, r.valid_from AS opens, r.valid_until AS closes, [r.fact] AS because
