// title: Whose sessions lie on servers that an account administers
// asks: incident lead
// question: Who was signed in to servers which the account administers, directly or through nested groups, while it did? Their
//   credentials are the account's to take.
// columns: [account, server, server_name, role, through, signed_in, name, enabled, since, until]
// parameter: account string =  | address, user principal name, account name, name or key; empty: all accounts
MATCH (n:Account)-[:SAME_IDENTITY*0..2]-(a:Account)
WHERE ($account = '' AND n.key = a.key)
   OR ($account <> '' AND toLower($account) IN [toLower(n.key), toLower(n.upn), toLower(n.email), toLower(n.sam), toLower(n.name)])
MATCH (a)-[:MEMBER_OF*0..6]->(x:Account|`Group`)-[r:ADMIN_TO]->(h:Server)
WITH DISTINCT a, x, h, r.valid_from AS given, r.valid_until AS taken
MATCH (h)<-[s:SESSION_ON]-(b:Account)
WHERE b.key <> a.key AND (given IS NULL OR s.valid_until IS NULL OR given < s.valid_until)
  AND (taken IS NULL OR s.valid_from IS NULL OR s.valid_from < taken)
RETURN DISTINCT a.key AS account, h.key AS server, h.name AS server_name, h.role AS role,
       CASE WHEN x.key = a.key THEN NULL ELSE coalesce(x.name, x.key) END AS through,
       b.key AS signed_in, b.name AS name, b.enabled AS enabled, s.valid_from AS since, s.valid_until AS until
ORDER BY account, server, signed_in, through, since, until
