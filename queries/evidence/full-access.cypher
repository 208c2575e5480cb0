// step: full-access
// title: Delegate reads in the audit log
// logs: [mail access]
// scope: target
// limits: Who may read one folder only is a delegate in the log too, and is left out where that right is known. An administrator's own logon is another step.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.as_who = 'delegate'
  AND o.operation IN ['MailItemsAccessed', 'AttachmentAccess', 'MessageBind', 'FolderBind',
                      'gmail opened for the first time', 'gmail viewed', 'gmail downloaded', 'gmail attachment downloaded', 'gmail attachment previewed', 'gmail attachment saved to Drive',
                      'Move', 'Copy', 'MoveToDeletedItems', 'SoftDelete', 'HardDelete']
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(m:Mailbox)
WHERE r.role = 'mailbox' AND (m.type IS NULL OR NOT m.type IN ['shared', 'room'])
  AND (NOT EXISTS { MATCH (a)-[:FOLDER_RIGHT]->(m) } OR EXISTS { MATCH (a)-[:FULL_ACCESS]->(m) })
RETURN DISTINCT a.key AS source, m.key AS target, o.key AS observation
