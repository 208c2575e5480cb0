// title: Which mailboxes were opened by others, as the log shows
// asks: Exchange administrator
// question: Which mailboxes does the log show somebody acting in as a delegate or administrator, who was it, what was done, how often and from when
//   to when?
// columns: [mailbox, account, name, as_who, operation, records, addresses, first, last]
// parameter: mailbox string =  | address, name or key of the mailbox; empty: all mailboxes
// parameter: since int = 0 | from when (seconds since 1970 UTC)
// parameter: until int = 0 | until when (exclusive); 0: without end
MATCH (m:Mailbox)
WHERE toLower($mailbox) IN ['', m.key, m.address, toLower(m.name)]
WITH m
MATCH (m)<-[b:OBSERVED]-(o:Observation)
WHERE b.role = 'mailbox' AND o.as_who IN ['delegate', 'admin'] AND o.at >= $since AND ($until = 0 OR o.at < $until)
  AND coalesce(o.succeeded, true)
WITH DISTINCT m, o
MATCH (o)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor'
RETURN m.key AS mailbox, a.key AS account, a.name AS name, o.as_who AS as_who, o.operation AS operation, count(DISTINCT o.key) AS records,
       count(DISTINCT o.ip) AS addresses, min(o.at) AS first, max(o.at) AS last
ORDER BY mailbox, first, account, as_who, operation
