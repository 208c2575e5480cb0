// id: secret-in-mail
// number: S10
// title: Find a credential in a message
// sentence: {source} keeps a message with the credential {target}
// needs: [HOLDS, CONTAINS_SECRET]
// hold: foothold
// profile: quiet
// attack: [T1552.008, T1552.001, T1552.004]
// survives_reset: yes
// closes_with: Rotate the credential; delete the message
// confirmed_by: [MailItemsAccessed of that message, SearchQueryInitiatedExchange]
// likelihood: high; ordinal hint: for mail of administrators and vendors
// limits: Only what was looked for when the mail was loaded (docs/secrets.md says how much of it is found); whether the credential still works is not asked. A message of which no log tells the end counts as kept.
MATCH (m:Mailbox)-[h:HOLDS]->(x:Message)-[c:CONTAINS_SECRET]->(s:Secret)
WITH m, s, h, c, CASE WHEN h.valid_from IS NULL THEN coalesce(h.delivered, x.sent) WHEN coalesce(h.delivered, x.sent) IS NULL THEN h.valid_from WHEN h.valid_from > coalesce(h.delivered, x.sent) THEN h.valid_from ELSE coalesce(h.delivered, x.sent) END AS came, CASE WHEN h.valid_until IS NULL THEN h.purged WHEN h.purged IS NULL THEN h.valid_until WHEN h.valid_until < h.purged THEN h.valid_until ELSE h.purged END AS gone
RETURN m.key AS source, s.key AS target,
       CASE WHEN came IS NULL THEN c.valid_from WHEN c.valid_from IS NULL THEN came WHEN came > c.valid_from THEN came ELSE c.valid_from END AS opens,
       CASE WHEN gone IS NULL THEN c.valid_until WHEN c.valid_until IS NULL THEN gone WHEN gone < c.valid_until THEN gone ELSE c.valid_until END AS closes,
       [h.fact, c.fact] AS because
