// id: shared-mailbox
// number: S04
// title: Open a shared or room mailbox
// sentence: {source} opens the shared mailbox {target}
// needs: [FULL_ACCESS]
// hold: borrowed
// profile: rights
// attack: [T1114.002]
// survives_reset: no
// closes_with: Remove the right; revoke the sessions of the delegate
// confirmed_by: [MailItemsAccessed with LogonType Delegate, Add-MailboxPermission]
// likelihood: high; ordinal hint of the step table, no study
// limits: Shared mailboxes often carry no licence, so their audit is poorer.
MATCH (a:Account|`Group`)-[r:FULL_ACCESS]->(m:Mailbox)
WHERE m.type IN ['shared', 'room']
RETURN a.key AS source, m.key AS target, r.valid_from AS opens, r.valid_until AS closes, [r.fact] AS because
