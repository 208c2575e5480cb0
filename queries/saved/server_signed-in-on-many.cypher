// title: Which accounts are signed in on many servers
// asks: AD administrator
// question: Which accounts leave their credentials on many servers and workstations, how many of them, and how many servers and roles do they administer,
//   directly or through nested groups? Each of these machines is a place to take them from.
// columns: [account, name, type, enabled, servers, workstations, administers, first, last]
// parameter: servers int = 3 | on how many machines at least
MATCH (a:Account)-[s:SESSION_ON]->(h:Server)
WITH a, count(DISTINCT h.key) AS servers, count(DISTINCT CASE WHEN h.role = 'workstation' THEN h.key ELSE NULL END) AS workstations,
     min(s.valid_from) AS first, max(s.valid_from) AS last
WHERE servers >= $servers
OPTIONAL MATCH (a)-[:MEMBER_OF*0..6]->(x:Account|`Group`)-[:ADMIN_TO|HAS_ROLE]->(t:Server|Role)
RETURN a.key AS account, a.name AS name, a.type AS type, a.enabled AS enabled, servers, workstations, count(DISTINCT t.key) AS administers,
       first, last
ORDER BY servers DESC, administers DESC, account
