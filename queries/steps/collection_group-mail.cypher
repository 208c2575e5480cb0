// id: group-mail
// number: S06
// title: Read a group's mailbox
// sentence: {source} opens the group's mailbox {target}
// needs: [OWNS]
// hold: borrowed
// profile: rights
// attack: [T1114.002, T1069.003]
// survives_reset: no
// closes_with: Remove the membership
// confirmed_by: [MailItemsAccessed, group membership audit]
// likelihood: high; ordinal hint of the step table, no study
// limits: A classic distribution list keeps no mailbox; its mail is in the mailboxes of its members.
MATCH (g:`Group`)-[o:OWNS]->(m:Mailbox)
WHERE coalesce(g.type, '') <> 'mailing list'
RETURN g.key AS source, m.key AS target, o.valid_from AS opens, o.valid_until AS closes, [o.fact] AS because
