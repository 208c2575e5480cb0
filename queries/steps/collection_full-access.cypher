// id: full-access
// number: S03
// title: Open a mailbox as delegate
// sentence: {source} opens the mailbox {target} as delegate
// needs: [FULL_ACCESS]
// hold: borrowed
// profile: rights
// attack: [T1114.002, T1098.002]
// survives_reset: no
// closes_with: Remove the right; revoke the sessions of the delegate
// confirmed_by: [MailItemsAccessed with LogonType Delegate, Add-MailboxPermission]
// likelihood: high; ordinal hint of the step table, no study
// limits: Gives no right to send. Denied rights are left out by the loaders.
MATCH (a:Account|`Group`)-[r:FULL_ACCESS]->(m:Mailbox)
WHERE m.type IS NULL OR NOT m.type IN ['shared', 'room']
RETURN a.key AS source, m.key AS target, r.valid_from AS opens, r.valid_until AS closes, [r.fact] AS because
