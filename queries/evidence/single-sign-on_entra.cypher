// step: single-sign-on
// title: Sign-ins to the application of that name in Entra ID
// logs: [sign-ins]
// scope: source
// limits: The service and the application are taken for one where they bear the same name and the account, or its other name, may sign in there.
MATCH (o:Observation)-[p:OBSERVED]->(x:App)
WHERE p.role = 'app' AND o.operation = 'Sign-in activity'
WITH DISTINCT o, x
MATCH (o)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor'
WITH DISTINCT o, x, a
MATCH (a)-[:SIGNS_IN_TO]->(s:Service)
WHERE s.type = 'saas' AND lower(x.name) = lower(s.name)
RETURN DISTINCT a.key AS source, s.key AS target, o.key AS observation
UNION
MATCH (o:Observation)-[p:OBSERVED]->(x:App)
WHERE p.role = 'app' AND o.operation = 'Sign-in activity'
WITH DISTINCT o, x
MATCH (o)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor'
WITH DISTINCT o, x, a
MATCH (a)-[:SAME_IDENTITY]-(:Account)-[:SIGNS_IN_TO]->(s:Service)
WHERE s.type = 'saas' AND lower(x.name) = lower(s.name)
RETURN DISTINCT a.key AS source, s.key AS target, o.key AS observation
