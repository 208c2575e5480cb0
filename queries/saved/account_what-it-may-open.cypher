// title: What an account may open
// asks: incident lead
// question: Which mailboxes, servers and services may the account open in one step, by its own right or through nested groups, under
//   any of its names? `how` is the id of the step (hakyu steps); what follows from there on is hakyu blast.
// columns: [account, how, kind, target, name, through, opens, closes]
// parameter: account string =  | address, user principal name, account name, name or key; empty: all accounts
MATCH (n:Account)-[:SAME_IDENTITY*0..2]-(a:Account)
WHERE ($account = '' AND n.key = a.key)
   OR ($account <> '' AND toLower($account) IN [toLower(n.key), toLower(n.upn), toLower(n.email), toLower(n.sam), toLower(n.name)])
MATCH (a)-[:MEMBER_OF*0..6]->(x:Account|`Group`)-[s:STEP]->(t:Mailbox|Server|Service)
RETURN DISTINCT a.key AS account, s.rule AS how, t.kind AS kind, t.key AS target, t.name AS name,
       CASE WHEN x.key = a.key THEN NULL ELSE coalesce(x.name, x.key) END AS through, s.opens AS opens, s.closes AS closes
ORDER BY account, kind, target, how, through, opens, closes
