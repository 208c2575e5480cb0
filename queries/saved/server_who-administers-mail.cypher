// title: Who administers the mail servers and gateways
// asks: AD administrator
// question: Which accounts, servers and groups administer a mail server or gateway, directly or through nested groups? A server's role
//   counts under any of its names.
// columns: [server, role, kind, who, name, enabled, through, via, since, until, source, place]
// parameter: role string =  | role of the servers (mail, gateway, file, domain controller …); empty: mail and gateway
MATCH (n:Server)-[:SAME_IDENTITY*0..2]-(h:Server)
WHERE n.role = $role OR ($role = '' AND n.role IN ['mail', 'gateway'])
MATCH (a:Account|Server|`Group`)-[:MEMBER_OF*0..6]->(x:Account|Server|`Group`)-[r:ADMIN_TO]->(h)
RETURN DISTINCT h.key AS server, n.role AS role, a.kind AS kind, a.key AS who, a.name AS name, a.enabled AS enabled,
       CASE WHEN x.key = a.key THEN NULL ELSE coalesce(x.name, x.key) END AS through,
       r.via AS via, r.valid_from AS since, r.valid_until AS until, r.source AS source, r.place AS place
ORDER BY server, role, kind, who, through, via, since, until, source, place
