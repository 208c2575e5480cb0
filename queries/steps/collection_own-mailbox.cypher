// id: own-mailbox
// number: S01
// title: Read the account's own mailbox
// sentence: {source} opens its own mailbox {target}
// needs: [OWNS]
// hold: borrowed
// profile: rights
// attack: [T1114.002, T1078.004, T1078.002]
// survives_reset: no
// closes_with: Revoke sessions and change the password
// confirmed_by: [MailItemsAccessed, web mail or IMAP sign-in]
// likelihood: near certain; it is what the account is for
// limits: Says nothing about client-side encryption.
MATCH (a:Account)-[o:OWNS]->(m:Mailbox)
RETURN a.key AS source, m.key AS target, o.valid_from AS opens, o.valid_until AS closes, [o.fact] AS because
