// step: own-mailbox
// title: What the owner's session did within the mailbox, in the audit log
// logs: [mail access]
// scope: target
// limits: A rule made or a mail sent shows that the mailbox was open, not which mail was read.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor'
  AND o.operation IN ['Send', 'New-InboxRule', 'Set-InboxRule', 'Enable-InboxRule', 'Disable-InboxRule', 'Remove-InboxRule', 'UpdateInboxRules']
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(m:Mailbox)
WHERE r.role = 'mailbox' AND EXISTS { MATCH (a)-[:OWNS]->(m) }
RETURN DISTINCT a.key AS source, m.key AS target, o.key AS observation
