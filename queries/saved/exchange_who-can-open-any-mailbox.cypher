// title: Who can give itself any mailbox
// asks: Exchange administrator
// question: Which accounts, applications, servers and groups hold an Exchange role, directly or through nested groups, that may give
//   itself any mailbox of the mail system?
// columns: [kind, who, name, enabled, role, through, mail_system, since, until]
MATCH (a:Account|Server|`Group`|App)-[:MEMBER_OF*0..6]->(x:Account|`Group`|App)-[h:HAS_ROLE]->(r:Role)-[:ADMIN_TO]->(s:Service)
WHERE s.type = 'mail system'
RETURN DISTINCT a.kind AS kind, a.key AS who, a.name AS name, a.enabled AS enabled, r.name AS role,
       CASE WHEN x.key = a.key THEN NULL ELSE coalesce(x.name, x.key) END AS through,
       s.key AS mail_system, h.valid_from AS since, h.valid_until AS until
ORDER BY mail_system, kind, who, role, through, since, until
