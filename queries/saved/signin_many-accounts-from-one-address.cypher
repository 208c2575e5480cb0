// title: Which addresses tried many accounts
// asks: incident lead
// question: From which network addresses were many different accounts tried in vain, how many did get in from there, and which time was it?
//   An office's own address may come too.
// columns: [ip, tried, attempts, got_in, first, last, first_in]
// parameter: accounts int = 5 | how many accounts at least were tried in vain
// parameter: since int = 0 | from when (seconds since 1970 UTC)
// parameter: until int = 0 | until when (exclusive); 0: without end
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.ip IS NOT NULL AND o.succeeded IS NOT NULL AND o.at >= $since AND ($until = 0 OR o.at < $until)
WITH o.ip AS ip, count(DISTINCT CASE WHEN o.succeeded THEN NULL ELSE a.key END) AS tried,
     count(DISTINCT CASE WHEN o.succeeded THEN NULL ELSE o.key END) AS attempts,
     count(DISTINCT CASE WHEN o.succeeded THEN a.key ELSE NULL END) AS got_in,
     min(CASE WHEN o.succeeded THEN NULL ELSE o.at END) AS first, max(CASE WHEN o.succeeded THEN NULL ELSE o.at END) AS last,
     min(CASE WHEN o.succeeded THEN o.at ELSE NULL END) AS first_in
WHERE tried >= $accounts
RETURN ip, tried, attempts, got_in, first, last, first_in
ORDER BY got_in DESC, tried DESC, ip
