// step: guest-account
// title: The guest's sign-ins in the other tenant's log
// logs: [sign-ins]
// scope: target
// limits: Only where that tenant's log was loaded: the log at home names the other tenant and not the guest.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND a.type = 'guest' AND o.operation IN ['Sign-in activity', 'UserLoggedIn', 'FileAccessed', 'FileDownloaded']
WITH DISTINCT o, a
MATCH (a)-[g:HAS_ADDRESS]->(c:Correspondent)
WHERE g.type IN ['primary', 'mail']
WITH DISTINCT o, a, c
MATCH (c)<-[k:HAS_ADDRESS]-(h:Account)
WHERE coalesce(h.type, 'user') <> 'guest' AND k.type IN ['primary', 'mail', 'upn']
RETURN DISTINCT h.key AS source, a.key AS target, o.key AS observation
UNION
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND a.type = 'guest' AND o.operation IN ['Sign-in activity', 'UserLoggedIn', 'FileAccessed', 'FileDownloaded']
WITH DISTINCT o, a
MATCH (a)-[r:TRUSTS]->(h:Account)
WHERE r.type = 'guest'
RETURN DISTINCT h.key AS source, a.key AS target, o.key AS observation
