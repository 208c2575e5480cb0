// title: Which rules and forwardings send mail outside
// asks: Exchange administrator
// question: Which inbox rules, mailbox forwardings and transport rules send mail to addresses outside, does the mailbox keep a copy, and
//   does the rule hide what it touches?
// columns: [mailbox, rule, type, enabled, target, country, keeps_copy, hides, since, until, source, place]
// parameter: mailbox string =  | address, name or key of the mailbox; empty: all, and rules of no mailbox
MATCH (r:Rule)-[f:FORWARDS_TO]->(c:Correspondent)
WHERE NOT coalesce(c.internal, false)
OPTIONAL MATCH (m:Mailbox)-[:PASSES_THROUGH]->(r)
WITH r, f, c, m
WHERE toLower($mailbox) IN ['', m.key, m.address, toLower(m.name)]
RETURN DISTINCT m.key AS mailbox, r.key AS rule, r.type AS type, r.enabled AS enabled, c.key AS target, c.country AS country,
       f.keeps_copy AS keeps_copy, r.hides AS hides, f.valid_from AS since, f.valid_until AS until, f.source AS source, f.place AS place
ORDER BY mailbox, rule, target, since, until, source, place, keeps_copy
