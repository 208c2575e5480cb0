// id: same-identity
// number: S12
// title: Use another name of the same account, mailbox, server or application
// sentence: {source} is the same as {target}
// needs: [SAME_IDENTITY]
// hold: borrowed
// profile: rights
// taken: by itself
// attack: [T1078]
// survives_reset: no
// closes_with: Close both names
// confirmed_by: [directory synchronisation]
// likelihood: certain; it is the same thing
// limits: Joined by address, name or identifier, each with its reason; an ambiguous match is not joined.
MATCH (a:Account|Mailbox|Server|`Group`|App|Service)-[s:SAME_IDENTITY]-(b:Account|Mailbox|Server|`Group`|App|Service)
RETURN a.key AS source, b.key AS target, s.valid_from AS opens, s.valid_until AS closes, [s.fact] AS because
