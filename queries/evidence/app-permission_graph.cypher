// step: app-permission
// title: Reads of an application in the log of Microsoft Graph
// logs: [mail access]
// scope: target
// limits: The call names the account: the mailbox is the one it owns, or that has its address.
MATCH (o:Observation)-[w:OBSERVED]->(x:App)
WHERE w.role = 'actor' AND o.operation = 'Graph GET'
WITH DISTINCT o, x
MATCH (o)-[r:OBSERVED]->(a:Account)
WHERE r.role = 'target'
WITH DISTINCT o, x, a
MATCH (a)-[:OWNS]->(m:Mailbox)
RETURN DISTINCT x.key AS source, m.key AS target, o.key AS observation
UNION
MATCH (o:Observation)-[w:OBSERVED]->(x:App)
WHERE w.role = 'actor' AND o.operation = 'Graph GET'
WITH DISTINCT o, x
MATCH (o)-[r:OBSERVED]->(a:Account)
WHERE r.role = 'target'
WITH DISTINCT o, x, a
MATCH (a)-[h:HAS_ADDRESS]->(c:Correspondent)
WHERE h.type IN ['upn', 'mail', 'primary']
WITH DISTINCT o, x, c
MATCH (c)<-[k:HAS_ADDRESS]-(m:Mailbox)
WHERE k.type IN ['upn', 'mail', 'primary']
RETURN DISTINCT x.key AS source, m.key AS target, o.key AS observation
