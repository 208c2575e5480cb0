// id: consented-mailbox
// number: S19
// title: Open the mailbox of who consented
// sentence: {source} opens the mailbox {target}, whose owner let it in
// needs: [CONSENTED, OWNS, HAS_ADDRESS]
// hold: borrowed
// profile: rights
// attack: [T1114.002, T1550.001]
// survives_reset: yes
// closes_with: Remove the consent and its tokens
// confirmed_by: [MailItemsAccessed by the application]
// likelihood: high; ordinal hint: reading mail is what such a consent is asked for
// limits: A consent whose permissions no source gives is left out. Headers alone (Mail.ReadBasic) count as mail. The mailbox is the account's own, or that of its address.
MATCH (a:Account)-[c:CONSENTED]->(x:App)
WHERE (c.scope CONTAINS 'Mail.Read' OR c.scope CONTAINS 'EWS.AccessAsUser' OR c.scope CONTAINS 'IMAP.AccessAsUser' OR c.scope CONTAINS 'POP.AccessAsUser'
       OR c.scope CONTAINS 'EAS.AccessAsUser' OR c.scope CONTAINS 'full_access_as_user' OR c.scope CONTAINS 'mail.google.com' OR c.scope CONTAINS 'auth/gmail.readonly'
       OR c.scope CONTAINS 'auth/gmail.modify')
WITH DISTINCT a, x, c.fact AS let_in, c.valid_from AS c_from, c.valid_until AS c_until
MATCH (a)-[o:OWNS]->(m:Mailbox)
RETURN x.key AS source, m.key AS target,
       CASE WHEN c_from IS NULL THEN o.valid_from WHEN o.valid_from IS NULL THEN c_from WHEN c_from > o.valid_from THEN c_from ELSE o.valid_from END AS opens,
       CASE WHEN c_until IS NULL THEN o.valid_until WHEN o.valid_until IS NULL THEN c_until WHEN c_until < o.valid_until THEN c_until ELSE o.valid_until END AS closes,
       [let_in, o.fact] AS because
UNION ALL
MATCH (a:Account)-[c:CONSENTED]->(x:App)
WHERE (c.scope CONTAINS 'Mail.Read' OR c.scope CONTAINS 'EWS.AccessAsUser' OR c.scope CONTAINS 'IMAP.AccessAsUser' OR c.scope CONTAINS 'POP.AccessAsUser'
       OR c.scope CONTAINS 'EAS.AccessAsUser' OR c.scope CONTAINS 'full_access_as_user' OR c.scope CONTAINS 'mail.google.com' OR c.scope CONTAINS 'auth/gmail.readonly'
       OR c.scope CONTAINS 'auth/gmail.modify')
WITH DISTINCT a, x, c.fact AS let_in, c.valid_from AS c_from, c.valid_until AS c_until
MATCH (a)-[h:HAS_ADDRESS]->(k:Correspondent)
WHERE h.type IN ['upn', 'mail', 'primary']
WITH DISTINCT x, k, let_in, h.fact AS known, CASE WHEN c_from IS NULL THEN h.valid_from WHEN h.valid_from IS NULL THEN c_from WHEN c_from > h.valid_from THEN c_from ELSE h.valid_from END AS since, CASE WHEN c_until IS NULL THEN h.valid_until WHEN h.valid_until IS NULL THEN c_until WHEN c_until < h.valid_until THEN c_until ELSE h.valid_until END AS till
MATCH (k)<-[g:HAS_ADDRESS]-(m:Mailbox)
WHERE g.type IN ['upn', 'mail', 'primary']
RETURN x.key AS source, m.key AS target,
       CASE WHEN since IS NULL THEN g.valid_from WHEN g.valid_from IS NULL THEN since WHEN since > g.valid_from THEN since ELSE g.valid_from END AS opens,
       CASE WHEN till IS NULL THEN g.valid_until WHEN g.valid_until IS NULL THEN till WHEN till < g.valid_until THEN till ELSE g.valid_until END AS closes,
       [let_in, known, g.fact] AS because
