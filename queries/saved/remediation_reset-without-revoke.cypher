// title: Which accounts were reset but never signed out
// asks: incident lead
// question: Which accounts got a new password while their sessions were neither revoked then or later, nor the account disabled, and what do the
//   logs show of them since? A session that was stolen before goes on.
// columns: [account, name, reset, by, records_since, last]
// parameter: account string =  | address, user principal name, account name, name or key; empty: all accounts
MATCH (n:Account)-[:SAME_IDENTITY*0..2]-(a:Account)
WHERE ($account = '' AND n.key = a.key)
   OR ($account <> '' AND toLower($account) IN [toLower(n.key), toLower(n.upn), toLower(n.email), toLower(n.sam), toLower(n.name)])
MATCH (r:Remediation)-[:REMEDIATES]->(a)
WHERE r.what = 'reset'
WITH a, max(r.at) AS reset, max(r.by) AS by, coalesce(max(r.at), -9007199254740991) AS since
OPTIONAL MATCH (a)-[:SAME_IDENTITY*0..2]-(b:Account)<-[:REMEDIATES]-(v:Remediation)
WHERE v.what IN ['revoke', 'disable'] AND (v.at IS NULL OR v.at >= since)
WITH a, reset, by, count(v.key) AS done
WHERE done = 0
OPTIONAL MATCH (a)-[:SAME_IDENTITY*0..2]-(c:Account)<-[w:OBSERVED]-(o:Observation)
WHERE w.role = 'actor' AND o.at >= reset AND coalesce(o.succeeded, true)
RETURN a.key AS account, a.name AS name, reset, by, count(DISTINCT o.key) AS records_since, max(o.at) AS last
ORDER BY records_since DESC, account
