// title: Which inbox rules hide mail
// asks: Exchange administrator
// question: Which inbox rules delete, move or mark as read what comes in, or start a program, on which mailboxes and under which conditions? With
//   such a rule an intruder keeps answers and warnings from the owner.
// columns: [mailbox, rule, name, enabled, hides, runs, forwards_to, conditions, since, until, source, place]
// parameter: mailbox string =  | address, name or key of the mailbox; empty: all mailboxes
MATCH (m:Mailbox)-[p:PASSES_THROUGH]->(r:Rule)
WHERE (r.hides OR r.runs) AND toLower($mailbox) IN ['', m.key, m.address, toLower(m.name)]
OPTIONAL MATCH (r)-[f:FORWARDS_TO]->(c:Correspondent)
RETURN m.key AS mailbox, r.key AS rule, r.name AS name, r.enabled AS enabled, r.hides AS hides, r.runs AS runs,
       count(DISTINCT c.key) AS forwards_to, r.conditions AS conditions, p.valid_from AS since, p.valid_until AS until,
       p.source AS source, p.place AS place
ORDER BY mailbox, rule, since, until, source, place
