// title: Who may write as whom
// asks: Exchange administrator
// question: Which accounts and groups may send as, or on behalf of, which mailboxes and groups, directly or through nested groups?
// columns: [kind, who, name, right, whom_kind, whom, whom_name, through, since, until, source, place]
// parameter: whom string =  | address, name or key of the mailbox or group written as; empty: all
MATCH (a:Account|`Group`)-[:MEMBER_OF*0..6]->(x:Account|`Group`)-[r:SEND_AS|SEND_ON_BEHALF]->(b:Mailbox|`Group`)
WHERE toLower($whom) IN ['', toLower(b.key), b.address, toLower(b.name)]
OPTIONAL MATCH (x)-[s:SEND_AS]->(b) WHERE s.fact = r.fact
RETURN DISTINCT a.kind AS kind, a.key AS who, a.name AS name,
       CASE WHEN s.fact IS NULL THEN 'send on behalf' ELSE 'send as' END AS right,
       b.kind AS whom_kind, b.key AS whom, b.name AS whom_name,
       CASE WHEN x.key = a.key THEN NULL ELSE coalesce(x.name, x.key) END AS through,
       r.valid_from AS since, r.valid_until AS until, r.source AS source, r.place AS place
ORDER BY whom, right, kind, who, through, since, until, source, place
