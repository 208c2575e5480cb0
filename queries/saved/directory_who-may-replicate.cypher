// title: Who may copy all secrets of a domain
// asks: AD administrator
// question: Which accounts, servers and groups may replicate a domain (DCSync: both rights at once), directly or through nested groups? With it every
//   password of the domain is theirs. Domain controllers belong here; nobody else should.
// columns: [domain, kind, who, name, enabled, through, since, until]
// parameter: domain string =  | name or key of the domain; empty: all
MATCH (x:Account|`Group`|Server)-[s:STEP]->(d:Container)
WHERE s.rule = 'dcsync' AND toLower($domain) IN ['', toLower(d.key), toLower(d.name)]
WITH DISTINCT x, d, s.opens AS opens, s.closes AS closes
MATCH (a:Account|`Group`|Server)-[:MEMBER_OF*0..6]->(x)
RETURN DISTINCT d.key AS domain, a.kind AS kind, a.key AS who, a.name AS name, a.enabled AS enabled,
       CASE WHEN x.key = a.key THEN NULL ELSE coalesce(x.name, x.key) END AS through, opens AS since, closes AS until
ORDER BY domain, kind, who, through, since, until
