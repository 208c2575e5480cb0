// step: group-mail
// title: A member's reads of a group's mailbox in the audit log
// logs: [mail access]
// scope: target
// limits: The member stands for the group: the log names who read, not by which membership.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND (o.as_who IS NULL OR o.as_who IN ['owner', 'delegate'])
  AND o.operation IN ['MailItemsAccessed', 'AttachmentAccess', 'MessageBind', 'FolderBind',
                      'gmail opened for the first time', 'gmail viewed', 'gmail downloaded', 'gmail attachment downloaded', 'gmail attachment previewed', 'gmail attachment saved to Drive',
                      'Move', 'Copy', 'MoveToDeletedItems', 'SoftDelete', 'HardDelete']
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(m:Mailbox)
WHERE r.role = 'mailbox' AND EXISTS { MATCH (:`Group`)-[:OWNS]->(m) }
RETURN DISTINCT a.key AS source, m.key AS target, o.key AS observation
