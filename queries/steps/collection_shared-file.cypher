// id: shared-file
// number: S18
// title: Open a shared file
// sentence: {source} opens the file {target}
// needs: [OBSERVED]
// hold: borrowed
// profile: quiet
// attack: [T1213.002, T1530, T1080]
// survives_reset: no
// closes_with: Remove the right on the file; let its links expire
// confirmed_by: [FileAccessed, FileDownloaded, Drive audit log]
// likelihood: high; ordinal hint: files are what espionage is after
// limits: Only files that a log saw the account open: no source states who may open what, and a file nobody opened is not known. A link that anyone may open is a step of its own (anyone-link).
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.at IS NOT NULL AND coalesce(o.succeeded, true)
  AND o.operation IN ['FileAccessed', 'FileAccessedExtended', 'FileDownloaded', 'FilePreviewed', 'FileSyncDownloadedFull', 'FileModified', 'FileModifiedExtended', 'FileUploaded',
                      'view', 'edit', 'download', 'create', 'upload', 'print', 'copy']
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(f:File)
WHERE r.role = 'target'
WITH a, f, min(o.at) AS first
MATCH (o:Observation)-[w:OBSERVED]->(a)
WHERE w.role = 'actor' AND o.at = first AND coalesce(o.succeeded, true)
  AND o.operation IN ['FileAccessed', 'FileAccessedExtended', 'FileDownloaded', 'FilePreviewed', 'FileSyncDownloadedFull', 'FileModified', 'FileModifiedExtended', 'FileUploaded',
                      'view', 'edit', 'download', 'create', 'upload', 'print', 'copy']
WITH DISTINCT a, f, first, o, w.fact AS who, w.valid_until AS till
MATCH (o)-[r:OBSERVED]->(f)
WHERE r.role = 'target'
RETURN a.key AS source, f.key AS target, first AS opens, till AS closes, [who, r.fact] AS because
