// step: consent
// title: A consent in the audit log
// logs: [audit log]
// scope: source
// limits: A consent for everybody is the administrator's who gave it.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation IN ['Consent to application', 'Consent to application.', 'authorize']
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(x:App)
WHERE r.role = 'app'
RETURN DISTINCT a.key AS source, x.key AS target, o.key AS observation
