// step: exchange-administrator
// title: Rights given, roles given and mailboxes opened by an administrator, in the audit log
// logs: [audit log, mail access]
// scope: target
// limits: Administrators do so in their daily work. A mail system on the organisation's own servers writes another log, which is not read.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account|App)
WHERE w.role = 'actor'
  AND (o.operation IN ['Add-MailboxPermission', 'Add-RecipientPermission', 'New-MailboxExportRequest', 'New-MailboxSearch', 'CREATE_EMAIL_MONITOR']
       OR (o.as_who = 'admin' AND o.operation IN ['MailItemsAccessed', 'AttachmentAccess', 'MessageBind', 'FolderBind', 'Copy']))
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(m:Mailbox)
WHERE r.role = 'mailbox'
WITH DISTINCT o, a, m
MATCH (m)<-[:HOSTS]-(s:Service)
WHERE s.type = 'mail system'
RETURN DISTINCT a.key AS source, s.key AS target, o.key AS observation
UNION
MATCH (o:Observation)-[w:OBSERVED]->(a:Account|App)
WHERE w.role = 'actor' AND o.operation = 'New-ManagementRoleAssignment'
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(q:Role)
WHERE r.role = 'target'
WITH DISTINCT o, a, q
MATCH (q)-[:ADMIN_TO]->(s:Service)
WHERE s.type = 'mail system'
RETURN DISTINCT a.key AS source, s.key AS target, o.key AS observation
UNION
MATCH (o:Observation)-[w:OBSERVED]->(a:Account|App)
WHERE w.role = 'actor' AND o.operation IN ['Add-RoleGroupMember', 'Update-RoleGroupMember']
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(g:`Group`)
WHERE r.role = 'target'
WITH DISTINCT o, a, g
MATCH (g)-[:HAS_ROLE]->(:Role)-[:ADMIN_TO]->(s:Service)
WHERE s.type = 'mail system'
RETURN DISTINCT a.key AS source, s.key AS target, o.key AS observation
