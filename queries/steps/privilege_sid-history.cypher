// id: sid-history
// number: AD18
// title: Hold the rights of an identifier from the past
// sentence: {source} carries the identifier of {target} in its history
// needs: [CONTROLS]
// hold: borrowed
// profile: rights
// taken: by itself
// attack: [T1134.005]
// survives_reset: no
// closes_with: Clear the history of the account
// confirmed_by: [Windows 4765]
// likelihood: certain; it is a membership in all but name
// limits: A filter at the trust between two domains may take the identifier out.
MATCH (a:Account|Server)-[c:CONTROLS]->(t:Account|`Group`|Server)
WHERE c.`right` = 'HasSIDHistory'
RETURN a.key AS source, t.key AS target, c.valid_from AS opens, c.valid_until AS closes, [c.fact] AS because
