// id: activated-role
// number: S21
// title: Activate an administrative role for a time
// sentence: {source} has the role {target} activated
// needs: [HAS_ROLE]
// hold: borrowed
// profile: rights
// attack: [T1098.003, T1078.004]
// survives_reset: no
// closes_with: Remove the role; look for rights it gave meanwhile
// confirmed_by: [Add member to role completed (PIM activation)]
// likelihood: low; ordinal hint: rare, of the widest reach
// limits: Only from an activation that a log shows until it ended: who is merely eligible, and could activate the role at any time, is not counted. A second factor or an approval that the activation asks for is not seen.
MATCH (a:Account|`Group`|App)-[h:HAS_ROLE]->(r:Role)
WHERE h.basis = 'activated' AND coalesce(r.system, '') <> 'exchange'
RETURN a.key AS source, r.key AS target, h.valid_from AS opens, h.valid_until AS closes, [h.fact] AS because
