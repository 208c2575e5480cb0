// id: delegated-permission
// number: S19
// title: Open the mailbox of who signs in to an application
// sentence: {source} opens the mailbox {target}, whose owner signed in to it
// needs: [APP_SCOPE, HOSTS, OWNS, HAS_ADDRESS, OBSERVED]
// hold: borrowed
// profile: quiet
// attack: [T1114.002, T1550.001]
// survives_reset: yes
// closes_with: Remove the permission for all users and the application's tokens
// confirmed_by: [MailItemsAccessed by the application]
// likelihood: medium; ordinal hint of the step table, no study
// limits: Of permissions that were given for all users only: each user counts from the first sign-in to the application that a log shows, and is taken to stay signed in. Who signed in before the log began is not seen. The mailbox is the account's own, or that of its address.
MATCH (x:App)-[s:APP_SCOPE]->(t:Service)
WHERE s.delegated AND t.type = 'mail system' AND NOT coalesce(s.scope, '') IN ['Mail.Send', 'SMTP.Send', 'MailboxSettings.Read']
WITH DISTINCT x, t, s.fact AS given, s.valid_from AS s_from, s.valid_until AS s_until
MATCH (o:Observation)-[p:OBSERVED]->(x)
WHERE p.role = 'app' AND o.at IS NOT NULL AND coalesce(o.succeeded, true) AND o.operation IN ['Sign-in activity', 'UserLoggedIn']
WITH DISTINCT x, t, given, s_from, s_until, o
MATCH (o)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor'
WITH x, t, given, s_from, s_until, a, min(o.at) AS first
MATCH (o:Observation)-[p:OBSERVED]->(x)
WHERE p.role = 'app' AND o.at = first AND coalesce(o.succeeded, true) AND o.operation IN ['Sign-in activity', 'UserLoggedIn']
WITH DISTINCT x, t, given, s_from, s_until, a, first, o, p.fact AS about
MATCH (o)-[w:OBSERVED]->(a)
WHERE w.role = 'actor'
WITH DISTINCT x, t, given, s_from, s_until, a, first, about, w.fact AS who
MATCH (a)-[n:OWNS]->(m:Mailbox)
WITH DISTINCT x, t, given, s_from, s_until, first, about, who, m, n.fact AS own, n.valid_from AS n_from, n.valid_until AS n_until
MATCH (t)-[h:HOSTS]->(m)
WITH x, m, [given, who, about, own, h.fact] AS because, [first, s_from, n_from, h.valid_from] AS froms, [s_until, n_until, h.valid_until] AS untils
UNWIND froms AS since
WITH x, m, because, untils, max(since) AS opens
UNWIND untils AS till
WITH x, m, because, opens, min(till) AS closes
RETURN x.key AS source, m.key AS target, opens, closes, because
UNION ALL
MATCH (x:App)-[s:APP_SCOPE]->(t:Service)
WHERE s.delegated AND t.type = 'mail system' AND NOT coalesce(s.scope, '') IN ['Mail.Send', 'SMTP.Send', 'MailboxSettings.Read']
WITH DISTINCT x, t, s.fact AS given, s.valid_from AS s_from, s.valid_until AS s_until
MATCH (o:Observation)-[p:OBSERVED]->(x)
WHERE p.role = 'app' AND o.at IS NOT NULL AND coalesce(o.succeeded, true) AND o.operation IN ['Sign-in activity', 'UserLoggedIn']
WITH DISTINCT x, t, given, s_from, s_until, o
MATCH (o)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor'
WITH x, t, given, s_from, s_until, a, min(o.at) AS first
MATCH (o:Observation)-[p:OBSERVED]->(x)
WHERE p.role = 'app' AND o.at = first AND coalesce(o.succeeded, true) AND o.operation IN ['Sign-in activity', 'UserLoggedIn']
WITH DISTINCT x, t, given, s_from, s_until, a, first, o, p.fact AS about
MATCH (o)-[w:OBSERVED]->(a)
WHERE w.role = 'actor'
WITH DISTINCT x, t, given, s_from, s_until, a, first, about, w.fact AS who
MATCH (a)-[k:HAS_ADDRESS]->(c:Correspondent)
WHERE k.type IN ['upn', 'mail', 'primary']
WITH DISTINCT x, t, given, s_from, s_until, first, about, who, c, k.fact AS called, k.valid_from AS k_from, k.valid_until AS k_until
MATCH (c)<-[g:HAS_ADDRESS]-(m:Mailbox)
WHERE g.type IN ['upn', 'mail', 'primary']
WITH DISTINCT x, t, given, s_from, s_until, first, about, who, called, k_from, k_until, m, g.fact AS own, g.valid_from AS g_from, g.valid_until AS g_until
MATCH (t)-[h:HOSTS]->(m)
WITH x, m, [given, who, about, called, own, h.fact] AS because, [first, s_from, k_from, g_from, h.valid_from] AS froms, [s_until, k_until, g_until, h.valid_until] AS untils
UNWIND froms AS since
WITH x, m, because, untils, max(since) AS opens
UNWIND untils AS till
WITH x, m, because, opens, min(till) AS closes
RETURN x.key AS source, m.key AS target, opens, closes, because
