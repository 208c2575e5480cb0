// step: folder-right
// title: Delegate reads of a folder on which a right is known
// logs: [mail access]
// scope: target
// limits: Only reads of a whole folder (Sync); single messages that were opened there are shown as a delegate's reads of the mailbox.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.as_who = 'delegate' AND o.operation IN ['MailItemsAccessed', 'MessageBind', 'FolderBind']
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(m:Mailbox)
WHERE r.role = 'folder'
WITH DISTINCT o, a, m, lower(replace(r.folder, '\\', '/')) AS seen
MATCH (:Account|`Group`)-[f:FOLDER_RIGHT]->(m)
WITH DISTINCT o, a, m, seen, lower(replace(f.folder, '\\', '/')) AS given
WHERE given = seen OR given = '/' + seen
RETURN DISTINCT a.key AS source, m.key AS target, o.key AS observation
