// title: Which partners have guests among our accounts
// asks: partner liaison
// question: Which accounts here belong to somebody of another organisation (guests, #EXT#): whose are they, may they sign in, in how many groups are
//   they, and when were they seen last? If theirs is taken over there, it opens this one here, and the other way round.
// columns: [organisation, account, name, address, enabled, created, groups, last]
// parameter: partner string =  | name or key of the organisation, as its domain; empty: all
MATCH (a:Account)
WHERE a.type = 'guest' OR toLower(a.upn) CONTAINS '#ext#'
OPTIONAL MATCH (a)-[k:HAS_ADDRESS]->(c:Correspondent)
WHERE k.type IN ['home', 'mail', 'primary'] AND NOT coalesce(c.internal, false)
WITH DISTINCT a, c
OPTIONAL MATCH (c)-[:BELONGS_TO]->(o:Organisation)
WITH a, min(o.key) AS organisation, min(c.address) AS address, count(CASE WHEN toLower($partner) IN [toLower(o.key), toLower(o.name)] THEN o.key ELSE NULL END) AS fits
WHERE $partner = '' OR fits > 0
OPTIONAL MATCH (a)-[:MEMBER_OF]->(g:`Group`)
WITH a, organisation, address, count(DISTINCT g.key) AS groups
OPTIONAL MATCH (b:Observation)-[w:OBSERVED]->(a)
WHERE w.role = 'actor' AND coalesce(b.succeeded, true)
RETURN organisation, a.key AS account, a.name AS name, address, a.enabled AS enabled, a.created AS created, groups, max(b.at) AS last
ORDER BY organisation, account
