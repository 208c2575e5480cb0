// title: Who of ours wrote with a partner
// asks: partner liaison
// question: Which of our mailboxes exchanged mail with the partner organisation, with how many of its addresses, how many messages each way, and when
//   first and last? A message to several of its addresses counts for each.
// columns: [organisation, name, mailbox, addresses, sent, received, first, last]
// parameter: partner string =  | name or key of the organisation, as its domain; empty: all organisations outside
MATCH (m:Mailbox)-[r:CORRESPONDED]->(c:Correspondent)-[:BELONGS_TO]->(o:Organisation)
WHERE NOT coalesce(c.internal, false) AND toLower($partner) IN ['', toLower(o.key), toLower(o.name)]
RETURN o.key AS organisation, o.name AS name, m.key AS mailbox, count(DISTINCT c.key) AS addresses, sum(coalesce(r.sent, 0)) AS sent, sum(coalesce(r.received, 0)) AS received,
       min(r.first) AS first, max(r.last) AS last
ORDER BY organisation, last DESC, mailbox
