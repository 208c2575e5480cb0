// step: own-mailbox
// title: The owner's reads in the log of Microsoft Graph
// logs: [mail access]
// scope: target
// limits: The mailbox is the one that the account owns, or that has its address: a call on one's own behalf names none.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation = 'Graph GET'
  AND NOT EXISTS { MATCH (o)-[t:OBSERVED]->(:Account) WHERE t.role = 'target' }
WITH DISTINCT o, a
MATCH (a)-[:OWNS]->(m:Mailbox)
RETURN DISTINCT a.key AS source, m.key AS target, o.key AS observation
UNION
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation = 'Graph GET'
  AND NOT EXISTS { MATCH (o)-[t:OBSERVED]->(:Account) WHERE t.role = 'target' }
WITH DISTINCT o, a
MATCH (a)-[h:HAS_ADDRESS]->(c:Correspondent)
WHERE h.type IN ['upn', 'mail', 'primary']
WITH DISTINCT o, a, c
MATCH (c)<-[k:HAS_ADDRESS]-(m:Mailbox)
WHERE k.type IN ['upn', 'mail', 'primary']
RETURN DISTINCT a.key AS source, m.key AS target, o.key AS observation
