// title: Who may write as somebody of another department
// asks: Exchange administrator
// question: Which accounts may send as, or on behalf of, the owner of a mailbox who works in another department, directly or through nested groups?
//   Mail in the name of a colleague one never works with is hard to explain, and easy to believe.
// columns: [account, department, mailbox, owner, owner_department, through, since, until]
// parameter: department string =  | department whose mailboxes are written as; empty: all
MATCH (a:Account)-[:MEMBER_OF*0..6]->(x:Account|`Group`)-[r:SEND_AS|SEND_ON_BEHALF]->(m:Mailbox)<-[:OWNS]-(o:Account)
WHERE toLower(a.department) <> toLower(o.department) AND toLower($department) IN ['', toLower(o.department)]
RETURN DISTINCT a.key AS account, a.department AS department, m.key AS mailbox, o.key AS owner, o.department AS owner_department,
       CASE WHEN x.key = a.key THEN NULL ELSE coalesce(x.name, x.key) END AS through, r.valid_from AS since, r.valid_until AS until
ORDER BY mailbox, account, owner, through, since, until
