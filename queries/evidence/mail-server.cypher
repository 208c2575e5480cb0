// step: mail-server
// title: Mailboxes exported by request, in the audit log
// logs: [audit log, mail access, logons]
// scope: target
// limits: Who reads the database on the server itself leaves no such record: only forensics of the server shows it.
MATCH (o:Observation)-[r:OBSERVED]->(m:Mailbox)
WHERE r.role = 'mailbox' AND o.operation IN ['New-MailboxExportRequest', 'New-MailboxSearch']
WITH DISTINCT o, m
MATCH (m)<-[:HOSTS]-(s:Server|Service)
RETURN DISTINCT s.key AS source, m.key AS target, o.key AS observation
