// title: Who is in a group through how many others
// asks: AD administrator
// question: Which accounts are members of the group, and through how many levels of groups at least (1: directly)? Members of the third level are
//   seldom known to who gave the group its rights.
// columns: [group, name, account, account_name, enabled, levels]
// parameter: of string = Domain Admins | name, account name, address or key, with or without @domain; empty: all groups
// parameter: levels int = 1 | from which level on
MATCH (g:`Group`)
WHERE $of = '' OR toLower($of) IN [toLower(g.key), g.address, toLower(g.sam), toLower(g.name)] OR toLower(g.name) STARTS WITH (toLower($of) + '@')
MATCH p = (a:Account)-[:MEMBER_OF*1..6]->(g)
WITH g, a, min(length(p)) AS levels
WHERE levels >= $levels
RETURN g.key AS `group`, g.name AS name, a.key AS account, a.name AS account_name, a.enabled AS enabled, levels
ORDER BY `group`, levels DESC, account
