// title: Correspondents outside, by country
// asks: privacy officer
// question: How many persons and addresses outside exchanged mail with our mailboxes, by country? `stated` counts addresses whose country a
//   list gives; for the others the domain's ending was taken; where neither says, the country is "not known".
// columns: [country, persons, addresses, stated, mailboxes, first, last]
MATCH (m:Mailbox)-[r:CORRESPONDED]->(c:Correspondent)
WHERE NOT coalesce(c.internal, false)
RETURN coalesce(c.country, 'not known') AS country,
       count(DISTINCT coalesce(c.person, c.key)) AS persons,
       count(DISTINCT c.key) AS addresses,
       count(DISTINCT CASE WHEN c.country_basis = 'stated' THEN c.key ELSE NULL END) AS stated,
       count(DISTINCT m.key) AS mailboxes, min(r.first) AS first, max(r.last) AS last
ORDER BY persons DESC, addresses DESC, country
