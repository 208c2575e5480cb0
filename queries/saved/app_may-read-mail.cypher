// title: Which applications may read mail
// asks: Exchange administrator
// question: Which applications may read mailboxes, by their own permission or in the name of those who consented (`delegated`), of which mailbox or
//   mail system, since when, and how many accounts own the application and so may give it a secret?
// columns: [app, name, publisher, scope, delegated, kind, target, consents, owners, since, until, source, place]
// parameter: app string =  | name or key of the application; empty: all
MATCH (x:App)-[s:APP_SCOPE]->(t:Mailbox|Service)
WHERE (t.kind = 'Mailbox' OR t.type = 'mail system') AND NOT coalesce(s.scope, '') IN ['Mail.Send', 'SMTP.Send', 'SMTP.SendAsApp', 'MailboxSettings.Read']
  AND toLower($app) IN ['', toLower(x.key), toLower(x.name)]
OPTIONAL MATCH (a:Account)-[:CONSENTED]->(x)
WITH x, s, t, count(DISTINCT a.key) AS consents
OPTIONAL MATCH (b:Account)-[:OWNS]->(x)
RETURN x.key AS app, x.name AS name, x.publisher AS publisher, s.scope AS scope, s.delegated AS delegated, t.kind AS kind, t.key AS target,
       consents, count(DISTINCT b.key) AS owners, s.valid_from AS since, s.valid_until AS until, s.source AS source, s.place AS place
ORDER BY app, target, scope, delegated, since, until, source, place
