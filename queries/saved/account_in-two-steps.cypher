// title: What an account reaches in two steps
// asks: incident lead
// question: What may the account reach by one step and another one after it, and through what? Steps that need somebody to be deceived are left
//   out. A second step counts only where it was open while the first one's gain lasted; hakyu blast goes on from there.
// columns: [account, first_step, through_kind, through, second_step, kind, target, name]
// parameter: account string =  | address, user principal name, account name, name or key; empty: all accounts
// parameter: kind string =  | kind of what is reached (Mailbox, Server, Account, Service …); empty: every kind
MATCH (n:Account)-[:SAME_IDENTITY*0..2]-(a:Account)
WHERE ($account = '' AND n.key = a.key)
   OR ($account <> '' AND toLower($account) IN [toLower(n.key), toLower(n.upn), toLower(n.email), toLower(n.sam), toLower(n.name)])
MATCH (a)-[s:STEP]->(x)-[t:STEP]->(b)
WHERE s.vantage = 'at rest' AND t.vantage = 'at rest' AND s.noise <> 'noisy' AND t.noise <> 'noisy' AND b.key <> a.key
  AND (s.opens IS NULL OR t.closes IS NULL OR s.opens < t.closes)
  AND (s.hold = 'foothold' OR s.closes IS NULL OR t.opens IS NULL OR t.opens < s.closes)
  AND $kind IN ['', b.kind]
RETURN DISTINCT a.key AS account, s.rule AS first_step, x.kind AS through_kind, x.key AS through,
       t.rule AS second_step, b.kind AS kind, b.key AS target, b.name AS name
ORDER BY account, kind, target, through, first_step, second_step
