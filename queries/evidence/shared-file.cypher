// step: shared-file
// title: Files opened in the audit log
// logs: [shared files]
// scope: source
// limits: A link that is open to anyone is used without an account.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation IN ['FileAccessed', 'FileAccessedExtended', 'FileDownloaded', 'FilePreviewed', 'FileSyncDownloadedFull', 'FileModified', 'FileModifiedExtended', 'FileUploaded',
                      'view', 'edit', 'download', 'create', 'upload', 'print', 'copy']
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(f:File)
WHERE r.role = 'target'
RETURN DISTINCT a.key AS source, f.key AS target, o.key AS observation
