// title: Which credentials lie in mail
// asks: privacy officer
// question: Which credentials (passwords, keys, recovery codes …; never the value) lie in messages of which mailboxes, since when, what do they open,
//   and were they exchanged since? `rotated` is when that was done last.
// columns: [kind, secret, name, mailbox, messages, first, opens, rotated]
// parameter: kind string =  | password, api key, private key, vpn profile, recovery code, certificate or signing key; empty: all
// parameter: mailbox string =  | address, name or key of the mailbox; empty: all mailboxes
MATCH (m:Mailbox)-[:HOLDS]->(x:Message)-[:CONTAINS_SECRET]->(s:Secret)
WHERE $kind IN ['', s.secret_kind] AND toLower($mailbox) IN ['', m.key, m.address, toLower(m.name)]
WITH m, s, count(DISTINCT x.key) AS messages, min(x.sent) AS first
OPTIONAL MATCH (s)-[:OPENS]->(t:Account|Service|Server)
WITH m, s, messages, first, count(DISTINCT t.key) AS opens
OPTIONAL MATCH (r:Remediation)-[:REMEDIATES]->(s)
RETURN s.secret_kind AS kind, s.key AS secret, s.name AS name, m.key AS mailbox, messages, first, opens, max(r.at) AS rotated
ORDER BY kind, secret, mailbox
