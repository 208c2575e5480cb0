// title: Which mail folders everyone may read
// asks: Exchange administrator
// question: Which folders of which mailboxes are open to everyone in the organisation (Default) or to anyone at all (Anonymous), and with which
//   rights? Any account of ours is enough to read them.
// columns: [mailbox, name, type, everyone, folder, rights, since, until, source, place]
// parameter: mailbox string =  | address, name or key of the mailbox; empty: all mailboxes
MATCH (g:`Group`)-[f:FOLDER_RIGHT]->(m:Mailbox)
WHERE g.name IN ['Everyone (Default)', 'Everyone, without signing in (Anonymous)'] AND toLower($mailbox) IN ['', m.key, m.address, toLower(m.name)]
RETURN DISTINCT m.key AS mailbox, m.name AS name, m.type AS type, g.name AS everyone, f.folder AS folder, f.rights AS rights,
       f.valid_from AS since, f.valid_until AS until, f.source AS source, f.place AS place
ORDER BY mailbox, everyone, folder, rights, since, until, source, place
