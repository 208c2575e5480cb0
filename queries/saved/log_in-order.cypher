// title: What was done from an address or in a session, in order
// asks: incident lead
// question: What do the logs show from this network address or in this session, record by record in the order of time: who did what to what?
// columns: [at, operation, account, role, target, ip, session, as_who, succeeded, client, record]
// parameter: ip string =  | network address; empty: all
// parameter: session string =  | session id; empty: all
// parameter: since int = 0 | from when (seconds since 1970 UTC)
// parameter: until int = 0 | until when (exclusive); 0: without end
// parameter: top int = 1000 | how many rows
MATCH (o:Observation)
WHERE $ip IN ['', o.ip] AND $session IN ['', o.session] AND o.at >= $since AND ($until = 0 OR o.at < $until)
OPTIONAL MATCH (o)-[w:OBSERVED]->(a:Account) WHERE w.role = 'actor'
WITH o, a
OPTIONAL MATCH (o)-[t:OBSERVED]->(b) WHERE t.role <> 'actor'
RETURN DISTINCT o.at AS at, o.operation AS operation, a.key AS account, t.role AS role, b.key AS target, o.ip AS ip, o.session AS session,
       o.as_who AS as_who, o.succeeded AS succeeded, o.user_agent AS client, o.key AS record
ORDER BY at, record, account, role, target
LIMIT $top
