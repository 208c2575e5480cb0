// step: consented-mailbox
// title: Reads through an application on its user's behalf
// logs: [mail access]
// scope: target
// limits: Applications of the mail system itself (Outlook) are named in the log like any other.
MATCH (o:Observation)-[r:OBSERVED]->(x:App)
WHERE r.role = 'app' AND o.operation IN ['MailItemsAccessed', 'AttachmentAccess']
  AND EXISTS { MATCH (o)-[w:OBSERVED]->(:Account) WHERE w.role = 'actor' }
WITH DISTINCT o, x
MATCH (o)-[b:OBSERVED]->(m:Mailbox)
WHERE b.role = 'mailbox'
RETURN DISTINCT x.key AS source, m.key AS target, o.key AS observation
UNION
MATCH (o:Observation)-[r:OBSERVED]->(x:App)
WHERE r.role = 'app' AND o.operation = 'activity'
WITH DISTINCT o, x
MATCH (o)-[b:OBSERVED]->(m:Mailbox)
WHERE b.role = 'mailbox'
RETURN DISTINCT x.key AS source, m.key AS target, o.key AS observation
