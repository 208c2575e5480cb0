// id: folder-right
// number: S09
// title: Read a folder of another mailbox
// sentence: {source} may read a folder of the mailbox {target}
// needs: [FOLDER_RIGHT]
// hold: borrowed
// vantage: in part
// profile: rights
// attack: [T1114.002, T1098.002]
// survives_reset: no
// closes_with: Remove the folder right
// confirmed_by: [MailItemsAccessed with LogonType Delegate, AddFolderPermissions]
// likelihood: medium; ordinal hint of the step table, no study
// limits: Shows that folder only, so it is not walked: the mailbox is not held, and its other mail is not disclosed. A right on a calendar counts as one on any folder, as folder names are localised. A right on the top folder is none on those below it.
MATCH (a:Account|`Group`)-[f:FOLDER_RIGHT]->(m:Mailbox)
RETURN a.key AS source, m.key AS target, f.valid_from AS opens, f.valid_until AS closes, [f.fact] AS because
