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
MATCH (a)-[s:STEP]->(x)
WHERE s.vantage = 'at rest' AND s.noise <> 'noisy'
WITH DISTINCT a, x, s.rule AS first_step, s.opens AS opened, CASE WHEN s.hold = 'foothold' THEN NULL ELSE s.closes END AS held_until
MATCH (x)-[t:STEP]->(b)
WHERE t.vantage = 'at rest' AND t.noise <> 'noisy' AND b.key <> a.key AND $kind IN ['', b.kind]
  AND (opened IS NULL OR t.closes IS NULL OR opened < t.closes) AND (held_until IS NULL OR t.opens IS NULL OR t.opens < held_until)
RETURN DISTINCT a.key AS account, first_step, x.kind AS through_kind, x.key AS through,
       t.rule AS second_step, b.kind AS kind, b.key AS target, b.name AS name
ORDER BY account, kind, target, through, first_step, second_step
