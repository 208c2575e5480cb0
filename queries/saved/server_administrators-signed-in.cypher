// title: Which administrators are signed in where
// asks: AD administrator
// question: On which servers and workstations are accounts signed in that administer servers or hold an administrative role, directly or
//   through nested groups? Whoever takes such a machine takes their credentials. `administers` counts servers and roles.
// columns: [account, name, server, server_name, role, administers, since, until, source, place]
// parameter: server string =  | full name, name or key of the server; empty: all servers
MATCH (a:Account)-[s:SESSION_ON]->(h:Server)
WHERE toLower($server) IN ['', toLower(h.key), h.fqdn, toLower(h.name)]
MATCH (a)-[:MEMBER_OF*0..6]->(x:Account|`Group`)-[:ADMIN_TO|HAS_ROLE]->(t:Server|Role)
RETURN a.key AS account, a.name AS name, h.key AS server, h.name AS server_name, h.role AS role, count(DISTINCT t.key) AS administers,
       s.valid_from AS since, s.valid_until AS until, s.source AS source, s.place AS place
ORDER BY administers DESC, account, server, since, until, source, place
