// step: read-key
// title: Certificates issued to a holder, in the log of the authority
// logs: [audit log, logons]
// scope: source
// limits: Only where the certificate is stated under the name of its template, and its holder is who asked, by another name or through a group of which it is a direct member. That a key was taken which was there before leaves no such record.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation = '4887'
WITH DISTINCT o, a
MATCH (a)-[:KEEPS]->(s:Secret)
WHERE s.secret_kind = 'certificate'
WITH DISTINCT o, a, s, 'template ' + lower(s.name) + ';' AS issued, lower(o.note) + ';' AS said
WHERE said STARTS WITH issued
RETURN DISTINCT a.key AS source, s.key AS target, o.key AS observation
UNION
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation = '4887'
WITH DISTINCT o, a
MATCH (a)-[:SAME_IDENTITY]-(:Account)-[:KEEPS]->(s:Secret)
WHERE s.secret_kind = 'certificate'
WITH DISTINCT o, a, s, 'template ' + lower(s.name) + ';' AS issued, lower(o.note) + ';' AS said
WHERE said STARTS WITH issued
RETURN DISTINCT a.key AS source, s.key AS target, o.key AS observation
UNION
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation = '4887'
WITH DISTINCT o, a
MATCH (a)-[:MEMBER_OF]->(:`Group`)-[:KEEPS]->(s:Secret)
WHERE s.secret_kind = 'certificate'
WITH DISTINCT o, a, s, 'template ' + lower(s.name) + ';' AS issued, lower(o.note) + ';' AS said
WHERE said STARTS WITH issued
RETURN DISTINCT a.key AS source, s.key AS target, o.key AS observation
