// id: app-permission
// number: S20
// title: Open mailboxes with an application's permission
// sentence: {source} may open the mail of {target} by its own permission
// needs: [APP_SCOPE]
// hold: borrowed
// profile: rights
// attack: [T1114.002, T1098.003, T1550.001]
// survives_reset: yes
// closes_with: Remove the permission and the application's secrets
// confirmed_by: [service principal sign-in, MailItemsAccessed by the application]
// likelihood: low; seen in few cases, of the widest reach (Midnight Blizzard, as Microsoft told in January 2024)
// limits: An application access policy may narrow it, which is not seen. Mail.ReadBasic shows headers only; MailboxSettings.ReadWrite lets it make rules that forward. A permission that it only has in the name of users is another step, with the user.
MATCH (x:App)-[s:APP_SCOPE]->(t:Mailbox|Service)
WHERE (t.kind = 'Mailbox' OR t.type = 'mail system')
  AND NOT coalesce(s.delegated, false)
  AND NOT coalesce(s.scope, '') IN ['Mail.Send', 'SMTP.Send', 'SMTP.SendAsApp', 'MailboxSettings.Read']
RETURN x.key AS source, t.key AS target, s.valid_from AS opens, s.valid_until AS closes, [s.fact] AS because
