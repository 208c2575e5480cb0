// title: Which accounts were seen from the attacker's signs
// asks: incident lead
// question: Which accounts did something, as a log shows, from a marked or imported sign (address, session, token, client, application) while
//   it was one, when first and last? Failed attempts are left out.
// columns: [type, sign, account, name, records, first, last]
// parameter: type string =  | ip, session, token, user agent or app; empty: all
MATCH (i:Indicator)
WHERE i.type IN ['ip', 'session', 'token', 'user agent', 'app'] AND $type IN ['', i.type]
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND coalesce(o.succeeded, true)
  AND i.value = CASE i.type WHEN 'ip' THEN o.ip WHEN 'session' THEN o.session WHEN 'token' THEN o.token
                            WHEN 'user agent' THEN o.user_agent ELSE o.app END
  AND (i.valid_from IS NULL OR o.at >= i.valid_from) AND (i.valid_until IS NULL OR o.at < i.valid_until)
RETURN i.type AS type, i.value AS sign, a.key AS account, a.name AS name, count(DISTINCT o.key) AS records,
       min(o.at) AS first, max(o.at) AS last
ORDER BY first, account, type, sign
