// title: Who can open a mailbox
// asks: incident lead
// question: Who owns the mailbox, has full access or may read a folder of it, directly or through nested groups? Groups are listed
//   beside their members, as their members may not have been collected. Whoever administers the mail system can give itself access:
//   exchange_who-can-open-any-mailbox.
// columns: [mailbox, kind, who, name, right, through, since, until, source, place]
// parameter: mailbox string =  | address, name or key of the mailbox; empty: all mailboxes
MATCH (a:Account|`Group`)-[:MEMBER_OF*0..6]->(x:Account|`Group`)-[r:OWNS|FULL_ACCESS|FOLDER_RIGHT]->(m:Mailbox)
WHERE toLower($mailbox) IN ['', m.key, m.address, toLower(m.name)]
OPTIONAL MATCH (x)-[o:OWNS]->(m) WHERE o.fact = r.fact
OPTIONAL MATCH (x)-[f:FOLDER_RIGHT]->(m) WHERE f.fact = r.fact
RETURN DISTINCT m.key AS mailbox, a.kind AS kind, a.key AS who, a.name AS name,
       CASE WHEN o.fact IS NOT NULL THEN 'own mailbox' WHEN f.fact IS NOT NULL THEN 'folder ' + coalesce(f.folder, '(not named)') ELSE 'full access' END AS right,
       CASE WHEN x.key = a.key THEN NULL ELSE coalesce(x.name, x.key) END AS through,
       r.valid_from AS since, r.valid_until AS until, r.source AS source, r.place AS place
ORDER BY mailbox, kind, who, right, through, since, until, source, place
