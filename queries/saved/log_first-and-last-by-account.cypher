// title: When each account was seen first and last
// asks: incident lead
// question: How many log records are there of each account, how many attempts failed, from how many addresses and sessions, and when was the
//   first and the last of them?
// columns: [account, name, records, failed, operations, addresses, sessions, first, last]
// parameter: account string =  | address, user principal name, account name, name or key; empty: all accounts
// parameter: since int = 0 | from when (seconds since 1970 UTC)
// parameter: until int = 0 | until when (exclusive); 0: without end
MATCH (n:Account)-[:SAME_IDENTITY*0..2]-(a:Account)
WHERE ($account = '' AND n.key = a.key)
   OR ($account <> '' AND toLower($account) IN [toLower(n.key), toLower(n.upn), toLower(n.email), toLower(n.sam), toLower(n.name)])
MATCH (o:Observation)-[w:OBSERVED]->(a)
WHERE w.role = 'actor' AND o.at >= $since AND ($until = 0 OR o.at < $until)
RETURN a.key AS account, a.name AS name, count(DISTINCT o.key) AS records,
       count(DISTINCT CASE WHEN NOT o.succeeded THEN o.key ELSE NULL END) AS failed, count(DISTINCT o.operation) AS operations,
       count(DISTINCT o.ip) AS addresses, count(DISTINCT o.session) AS sessions, min(o.at) AS first, max(o.at) AS last
ORDER BY records DESC, account
