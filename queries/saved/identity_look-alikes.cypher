// title: Which addresses look like our own
// asks: incident lead
// question: Which addresses resemble an internal address or domain and are not it (`rn` for `m`, digits for letters, other scripts, a name of
//   somebody inside at a public mail provider), and which mailboxes exchanged mail with them or forward to them? It may be private mail.
// columns: [address, resembles, internal, mailboxes, forwarded_by, first, last]
MATCH (c:Correspondent)
WHERE c.looks_like IS NOT NULL
OPTIONAL MATCH (m:Mailbox)-[r:CORRESPONDED]->(c)
WITH c, count(DISTINCT m.key) AS mailboxes, min(r.first) AS first, max(r.last) AS last
OPTIONAL MATCH (x:Rule)-[:FORWARDS_TO]->(c)
RETURN c.key AS address, c.looks_like AS resembles, c.internal AS internal, mailboxes, count(DISTINCT x.key) AS forwarded_by, first, last
ORDER BY address
