// title: Which partners were told and which not
// asks: partner liaison
// question: Of each organisation outside that exchanged mail with the mailbox, how many persons were told and how many not yet, when was the first and the
//   last of them told, and when was the last mail?
// columns: [organisation, name, country, persons, told, not_told, first_told, last_told, last_mail]
// parameter: mailbox string =  | address, name or key of the mailbox; empty: all mailboxes
MATCH (m:Mailbox)-[r:CORRESPONDED]->(c:Correspondent)
WHERE NOT coalesce(c.internal, false) AND toLower($mailbox) IN ['', m.key, m.address, toLower(m.name)]
OPTIONAL MATCH (c)-[:BELONGS_TO]->(o:Organisation)
WITH o, c.key AS address, coalesce(c.person, c.key) AS person, c.warned_at AS warned, max(r.last) AS last
WITH o, person, min(warned) AS first_told, max(warned) AS last_told, max(last) AS last
RETURN o.key AS organisation, o.name AS name, o.country AS country, count(person) AS persons, count(first_told) AS told,
       count(CASE WHEN first_told IS NULL THEN person ELSE NULL END) AS not_told,
       min(first_told) AS first_told, max(last_told) AS last_told, max(last) AS last_mail
ORDER BY not_told DESC, persons DESC, organisation
