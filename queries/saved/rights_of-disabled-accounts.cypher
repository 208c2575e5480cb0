// title: Which disabled accounts still have rights
// asks: Exchange administrator
// question: Which accounts that may not sign in any more, under any of their names, still may open or write as mailboxes of others, or administer
//   servers? Enabled again for a moment they open all of it. `step` is the id of the step (hakyu steps).
// columns: [disabled, account, step, kind, target, name, through, since]
// parameter: account string =  | address, user principal name, account name, name or key; empty: all accounts
MATCH (n:Account)-[:SAME_IDENTITY*0..2]-(a:Account)
WHERE NOT n.enabled AND toLower($account) IN ['', toLower(n.key), toLower(n.upn), toLower(n.email), toLower(n.sam), toLower(n.name)]
MATCH (a)-[:MEMBER_OF*0..6]->(x:Account|`Group`)-[s:STEP]->(t:Mailbox|Server)
WHERE s.closes IS NULL AND s.noise <> 'noisy' AND NOT EXISTS { MATCH (a)-[:OWNS]->(t) }
RETURN DISTINCT n.key AS disabled, a.key AS account, s.rule AS step, t.kind AS kind, t.key AS target, t.name AS name,
       CASE WHEN x.key = a.key THEN NULL ELSE coalesce(x.name, x.key) END AS through, s.opens AS since
ORDER BY disabled, account, kind, target, step, through, since
