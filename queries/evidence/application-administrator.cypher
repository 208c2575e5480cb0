// step: application-administrator
// title: A secret or certificate given to an application, in the audit log
// logs: [audit log]
// scope: target
// limits: Of which role it was done is not told: an owner of the application leaves the same record. One that was taken away is written under the same name in part.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation IN ['Add service principal credentials', 'Add service principal credentials.', 'Update application – Certificates and secrets management',
                      'Update application - Certificates and secrets management']
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(x:App)
WHERE r.role = 'app'
WITH DISTINCT o, x
MATCH (x)-[:BELONGS_TO]->(t:Container)
WHERE t.type = 'tenant'
WITH DISTINCT o, x, t
MATCH (t)<-[c:CONTROLS]-(y:Role)
WHERE c.`right` = 'AddSecret'
RETURN DISTINCT y.key AS source, x.key AS target, o.key AS observation
