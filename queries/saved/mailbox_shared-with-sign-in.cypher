// title: Which shared mailboxes can be signed in to
// asks: Exchange administrator
// question: Which shared and room mailboxes have an account of their own that is enabled, when was its password set, who has full access, and was
//   it ever seen signing in? Nobody should know that password; often it is weak, old and without a second factor.
// columns: [mailbox, type, account, password_set, delegates, records, last]
// parameter: mailbox string =  | address, name or key of the mailbox; empty: all mailboxes
MATCH (b:Account)-[:SAME_IDENTITY*0..2]-(a:Account)-[:OWNS]->(m:Mailbox)
WHERE b.enabled AND m.type IN ['shared', 'room'] AND toLower($mailbox) IN ['', m.key, m.address, toLower(m.name)]
OPTIONAL MATCH (x:Account|`Group`)-[:FULL_ACCESS]->(m)
WITH m, b, count(DISTINCT x.key) AS delegates
OPTIONAL MATCH (b)-[:SAME_IDENTITY*0..2]-(c:Account)<-[w:OBSERVED]-(o:Observation)
WHERE w.role = 'actor' AND coalesce(o.succeeded, true)
RETURN m.key AS mailbox, m.type AS type, b.key AS account, b.password_set AS password_set, delegates,
       count(DISTINCT o.key) AS records, max(o.at) AS last
ORDER BY mailbox, account
