// title: Which powerful accounts have an old password
// asks: AD administrator
// question: Which enabled accounts that administer servers or hold an administrative role, directly or through nested groups, have had the same
//   password since before the date? `administers` counts servers and roles. Whoever copied the password then has it still.
// columns: [account, name, type, password_set, administers, last_session]
// parameter: before int = 9007199254740991 | password set before (seconds since 1970 UTC); the default: whenever
MATCH (a:Account)-[:MEMBER_OF*0..6]->(x:Account|`Group`)-[:ADMIN_TO|HAS_ROLE]->(t:Server|Role)
WHERE a.password_set < $before AND coalesce(a.enabled, true)
WITH a, count(DISTINCT t.key) AS administers
OPTIONAL MATCH (a)-[s:SESSION_ON]->(:Server)
RETURN a.key AS account, a.name AS name, a.type AS type, a.password_set AS password_set, administers, max(s.valid_from) AS last_session
ORDER BY password_set, account
