// step: shared-mailbox
// title: Delegate reads of a shared mailbox in the audit log
// logs: [mail access]
// scope: target
// limits: Shared mailboxes without a licence of their own leave fewer records.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.as_who = 'delegate'
  AND o.operation IN ['MailItemsAccessed', 'AttachmentAccess', 'MessageBind', 'FolderBind',
                      'gmail opened for the first time', 'gmail viewed', 'gmail downloaded', 'gmail attachment downloaded', 'gmail attachment previewed', 'gmail attachment saved to Drive',
                      'Move', 'Copy', 'MoveToDeletedItems', 'SoftDelete', 'HardDelete']
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(m:Mailbox)
WHERE r.role = 'mailbox' AND m.type IN ['shared', 'room']
  AND (NOT EXISTS { MATCH (a)-[:FOLDER_RIGHT]->(m) } OR EXISTS { MATCH (a)-[:FULL_ACCESS]->(m) })
RETURN DISTINCT a.key AS source, m.key AS target, o.key AS observation
