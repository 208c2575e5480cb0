// title: Whom a mailbox wrote with most
// asks: partner liaison
// question: With which addresses outside did the mailbox exchange most messages: whose are they, how many each way, from when to when?
// columns: [mailbox, address, name, organisation, country, messages, sent, received, first, last]
// parameter: mailbox string =  | address, name or key of the mailbox; empty: all mailboxes
// parameter: top int = 100 | how many pairs
MATCH (m:Mailbox)-[r:CORRESPONDED]->(c:Correspondent)
WHERE NOT coalesce(c.internal, false) AND toLower($mailbox) IN ['', m.key, m.address, toLower(m.name)]
OPTIONAL MATCH (c)-[:BELONGS_TO]->(o:Organisation)
RETURN m.key AS mailbox, c.key AS address, c.name AS name, min(o.name) AS organisation, c.country AS country,
       r.sent + r.received AS messages, r.sent AS sent, r.received AS received, r.first AS first, r.last AS last
ORDER BY messages DESC, mailbox, address, sent, first, last
LIMIT $top
