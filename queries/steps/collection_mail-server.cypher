// id: mail-server
// number: S26
// title: Read what a held server stores
// sentence: {source} stores or serves {target}
// needs: [HOSTS]
// hold: borrowed
// profile: rights
// attack: [T1114.002, T1213, T1213.006]
// survives_reset: yes
// closes_with: Rebuild the server
// confirmed_by: [New-MailboxExportRequest, host forensics]
// likelihood: low; ordinal hint of the step table, no study
// limits: Of several mail servers each is taken to serve every mailbox of its mail system.
MATCH (h:Server|Service)-[o:HOSTS]->(t:Mailbox|Service|File)
WHERE h.kind = 'Server' OR h.type = 'mail system'
RETURN h.key AS source, t.key AS target, o.valid_from AS opens, o.valid_until AS closes, [o.fact] AS because
