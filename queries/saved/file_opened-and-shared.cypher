// title: Which files an account opened and shared
// asks: incident lead
// question: Which files and sites does a log show the account opening, changing or sharing, how often, and when first and last?
// columns: [account, file, name, operation, records, addresses, first, last]
// parameter: account string =  | address, user principal name, account name, name or key; empty: all accounts
// parameter: since int = 0 | from when (seconds since 1970 UTC)
// parameter: until int = 0 | until when (exclusive); 0: without end
MATCH (n:Account)-[:SAME_IDENTITY*0..2]-(a:Account)
WHERE ($account = '' AND n.key = a.key)
   OR ($account <> '' AND toLower($account) IN [toLower(n.key), toLower(n.upn), toLower(n.email), toLower(n.sam), toLower(n.name)])
MATCH (o:Observation)-[w:OBSERVED]->(a)
WHERE w.role = 'actor' AND o.at >= $since AND ($until = 0 OR o.at < $until) AND coalesce(o.succeeded, true)
WITH DISTINCT a, o
MATCH (o)-[:OBSERVED]->(f:File)
RETURN a.key AS account, f.key AS file, f.name AS name, o.operation AS operation, count(DISTINCT o.key) AS records,
       count(DISTINCT o.ip) AS addresses, min(o.at) AS first, max(o.at) AS last
ORDER BY first, account, file, operation
