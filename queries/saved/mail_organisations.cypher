// title: Correspondents outside, by organisation
// asks: privacy officer
// question: With which organisations outside did our mailboxes exchange mail: in which country are they, how many persons and addresses, with how many
//   of our mailboxes, and when first and last? `stated`: a list gives the country; else it was told by the domain's ending.
// columns: [organisation, name, country, stated, persons, addresses, mailboxes, first, last]
// parameter: country string =  | ISO 3166 code; `not known`: those without; empty: all
MATCH (m:Mailbox)-[r:CORRESPONDED]->(c:Correspondent)-[:BELONGS_TO]->(o:Organisation)
WHERE NOT coalesce(c.internal, false) AND toLower($country) IN ['', toLower(coalesce(o.country, 'not known'))]
RETURN o.key AS organisation, o.name AS name, coalesce(o.country, 'not known') AS country, coalesce(o.country_basis, '') = 'stated' AS stated,
       count(DISTINCT coalesce(c.person, c.key)) AS persons, count(DISTINCT c.key) AS addresses, count(DISTINCT m.key) AS mailboxes,
       min(r.first) AS first, max(r.last) AS last
ORDER BY persons DESC, addresses DESC, organisation
