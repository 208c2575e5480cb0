// step: app-owner
// title: A secret or certificate given to an application, in the audit log
// logs: [audit log]
// scope: target
// limits: One that was taken away is written under the same name in part.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation IN ['Add service principal credentials', 'Add service principal credentials.', 'Update application – Certificates and secrets management',
                      'Update application - Certificates and secrets management']
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(x:App)
WHERE r.role = 'app'
RETURN DISTINCT a.key AS source, x.key AS target, o.key AS observation
