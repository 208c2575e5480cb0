// title: Which mailboxes most accounts can open
// asks: privacy officer
// question: Which mailboxes can be opened by most accounts (owner, full access; directly or through nested groups)? An account known
//   by two names counts twice. `groups` with a right may have members that were not collected.
// columns: [mailbox, name, type, accounts, directly, groups]
// parameter: top int = 20 | how many mailboxes
MATCH (a:Account|`Group`)-[:MEMBER_OF*0..6]->(x:Account|`Group`)-[:OWNS|FULL_ACCESS]->(m:Mailbox)
RETURN m.key AS mailbox, m.name AS name, m.type AS type,
       count(DISTINCT CASE WHEN a.kind = 'Account' THEN a.key ELSE NULL END) AS accounts,
       count(DISTINCT CASE WHEN x.kind = 'Account' THEN x.key ELSE NULL END) AS directly,
       count(DISTINCT CASE WHEN x.kind = 'Group' THEN x.key ELSE NULL END) AS groups
ORDER BY accounts DESC, groups DESC, mailbox
LIMIT $top
