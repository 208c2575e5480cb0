// id: folder-secret
// number: S10
// title: Find a credential in a folder that is open to others
// sentence: {source} may read the folder that keeps a message with the credential {target}
// needs: [FOLDER_RIGHT, HOLDS, CONTAINS_SECRET]
// hold: foothold
// profile: quiet
// attack: [T1552.008, T1114.002]
// survives_reset: yes
// closes_with: Rotate the credential; remove the folder right
// confirmed_by: [MailItemsAccessed with LogonType Delegate]
// likelihood: medium; ordinal hint of the step table, no study
// limits: The folder's name must be the same in the right and in the mail file, capital letters and slashes aside.
MATCH (x:Message)-[c:CONTAINS_SECRET]->(s:Secret)
WITH DISTINCT x, s, c.fact AS found, c.valid_from AS c_from, c.valid_until AS c_until
MATCH (m:Mailbox)-[h:HOLDS]->(x)
WITH DISTINCT m, s, found, c_from, c_until, h.fact AS kept, CASE WHEN h.valid_from IS NULL THEN coalesce(h.delivered, x.sent) WHEN coalesce(h.delivered, x.sent) IS NULL THEN h.valid_from WHEN h.valid_from > coalesce(h.delivered, x.sent) THEN h.valid_from ELSE coalesce(h.delivered, x.sent) END AS came,
     CASE WHEN h.valid_until IS NULL THEN h.purged WHEN h.purged IS NULL THEN h.valid_until WHEN h.valid_until < h.purged THEN h.valid_until ELSE h.purged END AS gone, lower(replace(h.folder, '\\', '/')) AS lies
WITH m, s, found, kept, lies, CASE WHEN came IS NULL THEN c_from WHEN c_from IS NULL THEN came WHEN came > c_from THEN came ELSE c_from END AS since, CASE WHEN gone IS NULL THEN c_until WHEN c_until IS NULL THEN gone WHEN gone < c_until THEN gone ELSE c_until END AS till
MATCH (a:Account|`Group`)-[f:FOLDER_RIGHT]->(m)
WITH a, s, found, kept, lies, since, till, f.fact AS given, f.valid_from AS f_from, f.valid_until AS f_until, lower(replace(f.folder, '\\', '/')) AS open
WHERE open = lies OR open = '/' + lies OR lies = '/' + open
RETURN a.key AS source, s.key AS target,
       CASE WHEN f_from IS NULL THEN since WHEN since IS NULL THEN f_from WHEN f_from > since THEN f_from ELSE since END AS opens,
       CASE WHEN f_until IS NULL THEN till WHEN till IS NULL THEN f_until WHEN f_until < till THEN f_until ELSE till END AS closes,
       [given, kept, found] AS because
