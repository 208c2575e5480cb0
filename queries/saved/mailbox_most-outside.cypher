// title: Which mailboxes disclose most persons
// asks: privacy officer
// question: Which mailboxes exchanged mail with most persons outside, in how many countries (of `unknown` addresses it is not known), and from when to
//   when? Those to look at first.
// columns: [mailbox, name, type, persons, addresses, organisations, countries, unknown, first, last]
// parameter: top int = 20 | how many mailboxes
MATCH (m:Mailbox)-[r:CORRESPONDED]->(c:Correspondent)
WHERE NOT coalesce(c.internal, false)
OPTIONAL MATCH (c)-[:BELONGS_TO]->(o:Organisation)
RETURN m.key AS mailbox, m.name AS name, m.type AS type, count(DISTINCT coalesce(c.person, c.key)) AS persons,
       count(DISTINCT c.key) AS addresses, count(DISTINCT o.key) AS organisations, count(DISTINCT c.country) AS countries,
       count(DISTINCT CASE WHEN c.country IS NULL THEN c.key ELSE NULL END) AS unknown, min(r.first) AS first, max(r.last) AS last
ORDER BY persons DESC, addresses DESC, mailbox
LIMIT $top
