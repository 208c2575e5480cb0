// step: delegated-permission
// title: Reads through an application that may act for all users, on its user's behalf
// logs: [mail access]
// scope: target
// limits: Applications of the mail system itself (Outlook) are named in the log like any other.
MATCH (o:Observation)-[r:OBSERVED]->(x:App)
WHERE r.role = 'app' AND o.operation = 'MailItemsAccessed'
  AND EXISTS { MATCH (o)-[w:OBSERVED]->(:Account) WHERE w.role = 'actor' }
  AND EXISTS { MATCH (x)-[s:APP_SCOPE]->(t:Service) WHERE s.delegated AND t.type = 'mail system' }
WITH DISTINCT o, x
MATCH (o)-[b:OBSERVED]->(m:Mailbox)
WHERE b.role = 'mailbox'
RETURN DISTINCT x.key AS source, m.key AS target, o.key AS observation
