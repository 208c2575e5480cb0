// step: single-sign-on
// title: Sign-ons to a service in the log of the identity provider
// logs: [sign-ins]
// scope: source
// limits: A service that keeps its own passwords is not seen there.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation = 'user.authentication.sso'
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(s:Service)
WHERE r.role = 'target'
RETURN DISTINCT a.key AS source, s.key AS target, o.key AS observation
UNION
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation = 'login_success' AND o.app IS NOT NULL
WITH DISTINCT o, a
MATCH (a)-[:SIGNS_IN_TO]->(s:Service)
WHERE o.app = s.name
RETURN DISTINCT a.key AS source, s.key AS target, o.key AS observation
