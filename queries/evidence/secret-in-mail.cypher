// step: secret-in-mail
// title: Reads of the message that holds the credential
// logs: [mail access]
// scope: source
// limits: A folder that was synchronised counts with all that lay in it; its name must be the same in the log and in the mail file.
MATCH (o:Observation)-[b:OBSERVED]->(m:Mailbox)
WHERE b.role = 'mailbox' AND o.operation IN ['MailItemsAccessed', 'MessageBind', 'FolderBind',
                      'gmail opened for the first time', 'gmail viewed', 'gmail downloaded', 'gmail attachment downloaded', 'gmail attachment previewed', 'gmail attachment saved to Drive']
WITH DISTINCT o, m
MATCH (o)-[r:OBSERVED]->(x:Message)
WHERE r.role = 'message'
WITH DISTINCT o, m, x
MATCH (x)-[:CONTAINS_SECRET]->(s:Secret)
RETURN DISTINCT m.key AS source, s.key AS target, o.key AS observation
UNION
MATCH (o:Observation)-[b:OBSERVED]->(m:Mailbox)
WHERE b.role = 'folder' AND o.operation = 'MailItemsAccessed' AND o.at IS NOT NULL AND b.folder IS NOT NULL
WITH DISTINCT o, m, lower(replace(b.folder, '\\', '/')) AS seen
MATCH (m)-[h:HOLDS]->(x:Message)
WITH DISTINCT o, m, seen, x, h.delivered AS came, h.purged AS gone, lower(replace(h.folder, '\\', '/')) AS lies
WHERE (seen = lies OR seen = '/' + lies) AND (gone IS NULL OR o.at < gone) AND coalesce(came, x.sent, o.at) <= o.at
WITH DISTINCT o, m, x
MATCH (x)-[:CONTAINS_SECRET]->(s:Secret)
RETURN DISTINCT m.key AS source, s.key AS target, o.key AS observation
