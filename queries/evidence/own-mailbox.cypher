// step: own-mailbox
// title: The owner's reads in the audit log
// logs: [mail access]
// scope: target
// limits: A client that keeps its copy shows no reads of what it has. Reads before MailItemsAccessed was recorded for a licence are not seen. Moving and deleting count as reading.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.as_who = 'owner'
  AND o.operation IN ['MailItemsAccessed', 'AttachmentAccess', 'MessageBind', 'FolderBind',
                      'gmail opened for the first time', 'gmail viewed', 'gmail downloaded', 'gmail attachment downloaded', 'gmail attachment previewed', 'gmail attachment saved to Drive',
                      'Move', 'Copy', 'MoveToDeletedItems', 'SoftDelete', 'HardDelete']
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(m:Mailbox)
WHERE r.role = 'mailbox'
  AND NOT EXISTS { MATCH (:`Group`)-[:OWNS]->(m) }
RETURN DISTINCT a.key AS source, m.key AS target, o.key AS observation
