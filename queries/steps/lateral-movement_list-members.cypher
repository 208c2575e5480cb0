// id: list-members
// number: S29
// title: Write to the members of a mailing list
// sentence: Whoever writes to the list {source} is trusted by its member {target}
// needs: [MEMBER_OF]
// hold: foothold
// profile: noisy
// attack: [T1534, T1566.001, T1566.002, T1199]
// survives_reset: yes
// closes_with: Warn the list; reset the member's account
// confirmed_by: [log of the list server, URL click log]
// likelihood: medium; ordinal hint of the step table, no study
// limits: It could be tried on every member; how many would follow is not told. Members that no source names are not seen.
MATCH (a:Account)-[e:MEMBER_OF]->(g:`Group`)
WHERE g.type = 'mailing list'
RETURN g.key AS source, a.key AS target, e.valid_from AS opens, e.valid_until AS closes, [e.fact] AS because
