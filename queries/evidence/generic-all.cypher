// step: generic-all
// title: What was done to an object of which one has full control, in the Windows log
// logs: [audit log, logons]
// scope: target
// limits: Only where the account, or a group of which it is a direct member, has the right; an administrator of the domain leaves the same records.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation IN ['4724', '4728', '4732', '4756', '5136']
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(t:Account|`Group`|Server|Container)
WHERE r.role = 'target' AND t.key <> a.key
WITH DISTINCT o, a, t
MATCH (a)-[c:CONTROLS]->(t)
WHERE c.through IS NULL AND c.`right` IN ['GenericAll', 'GenericWrite']
RETURN DISTINCT a.key AS source, t.key AS target, o.key AS observation
UNION
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation IN ['4724', '4728', '4732', '4756', '5136']
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(t:Account|`Group`|Server|Container)
WHERE r.role = 'target' AND t.key <> a.key
WITH DISTINCT o, a, t
MATCH (a)-[:MEMBER_OF]->(g:`Group`)
WITH DISTINCT o, a, t, g
MATCH (g)-[c:CONTROLS]->(t)
WHERE c.through IS NULL AND c.`right` IN ['GenericAll', 'GenericWrite']
RETURN DISTINCT a.key AS source, t.key AS target, o.key AS observation
