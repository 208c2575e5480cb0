// title: Which lists have members outside
// asks: partner liaison
// question: Which groups and mailing lists pass mail on to addresses outside or to guests, directly or through nested groups: to whom, of which
//   organisation? What is written to the list reaches them too.
// columns: [list, name, address, member_kind, member, member_name, through]
// parameter: list string =  | address, name or key of the list; empty: all
MATCH (g:`Group`)
WHERE toLower($list) IN ['', toLower(g.key), g.address, toLower(g.name)]
MATCH (x:`Group`)-[:MEMBER_OF*0..6]->(g)
MATCH (c:Account|Correspondent)-[:MEMBER_OF|FORWARDS_TO]-(x)
WHERE (c.kind = 'Account' AND c.type = 'guest') OR (c.kind = 'Correspondent' AND NOT coalesce(c.internal, false))
RETURN DISTINCT g.key AS list, g.name AS name, g.address AS address, c.kind AS member_kind, c.key AS member, c.name AS member_name,
       CASE WHEN x.key = g.key THEN NULL ELSE coalesce(x.name, x.key) END AS through
ORDER BY list, member_kind, member, through
