// step: app-permission
// title: Reads of an application without a user
// logs: [mail access]
// scope: target
// limits: The mailbox stands for the mail system on which the permission is: the log names what was read.
MATCH (o:Observation)-[r:OBSERVED]->(x:App)
WHERE r.role IN ['actor', 'app'] AND o.operation IN ['MailItemsAccessed', 'AttachmentAccess', 'MessageBind', 'FolderBind']
  AND NOT EXISTS { MATCH (o)-[w:OBSERVED]->(:Account) WHERE w.role = 'actor' }
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
