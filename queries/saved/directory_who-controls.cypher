// title: Who has rights on an account, group or domain
// asks: AD administrator
// question: Who may change the account, group, server or container in the directory: with which right, directly or through nested groups, given on it
//   or above it?
// columns: [target_kind, target, right, kind, who, name, through, inherited, given_on, since, until, source, place]
// parameter: target string = Domain Admins | name, account name or key of what is controlled, with or without @domain; empty: everything
MATCH (t:Account|`Group`|Server|Container)
WHERE $target = '' OR toLower(t.key) = toLower($target) OR toLower(t.name) = toLower($target) OR toLower(t.sam) = toLower($target)
   OR toLower(t.name) STARTS WITH (toLower($target) + '@')
MATCH (a:Account|`Group`|Server)-[:MEMBER_OF*0..6]->(x:Account|`Group`|Server)-[c:CONTROLS]->(t)
RETURN DISTINCT t.kind AS target_kind, t.key AS target, c.`right` AS right, a.kind AS kind, a.key AS who, a.name AS name,
       CASE WHEN x.key = a.key THEN NULL ELSE coalesce(x.name, x.key) END AS through, c.inherited AS inherited, c.through AS given_on,
       c.valid_from AS since, c.valid_until AS until, c.source AS source, c.place AS place
ORDER BY target, right, kind, who, through, given_on, inherited, since, until, source, place
