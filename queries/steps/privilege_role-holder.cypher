// id: role-holder
// number: S21
// title: Hold an administrative role of a directory
// sentence: {source} holds the role {target}
// needs: [HAS_ROLE]
// hold: borrowed
// profile: rights
// taken: by itself
// attack: [T1098.003, T1078.004]
// survives_reset: no
// closes_with: Remove the role; look for rights it gave meanwhile
// confirmed_by: [Add member to role]
// likelihood: low; ordinal hint: rare, of the widest reach
// limits: Active assignments only: one that is merely eligible counts from its activation on, where a log shows that, which is a step of its own. What a role of one's own making may do is not read. Roles of Exchange have a step of their own.
MATCH (a:Account|`Group`|App)-[h:HAS_ROLE]->(r:Role)
WHERE coalesce(r.system, '') <> 'exchange' AND coalesce(h.basis, '') <> 'activated'
RETURN a.key AS source, r.key AS target, h.valid_from AS opens, h.valid_until AS closes, [h.fact] AS because
