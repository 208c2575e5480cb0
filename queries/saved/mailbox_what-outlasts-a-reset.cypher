// title: What goes on after a mailbox's password was reset
// asks: incident lead
// question: Which ways into the mailbox and out of it do not end when its owner's password is reset: delegates, folder rights, applications,
//   rules and forwardings, further methods by which the owner signs in? Only what is not known to have ended.
// columns: [mailbox, step, from_kind, from, to_kind, to, name, since]
// parameter: mailbox string =  | address, name or key of the mailbox; empty: all mailboxes
MATCH (h:Mailbox|Account)-[:OWNS*0..1]->(m:Mailbox)
WHERE toLower($mailbox) IN ['', m.key, m.address, toLower(m.name)]
WITH DISTINCT h, m
MATCH (h)-[s:STEP]-(x)
WHERE s.closes IS NULL AND ((h.kind = 'Account' AND s.rule = 'registered-method') OR (h.kind = 'Mailbox' AND s.rule IN
  ['full-access', 'shared-mailbox', 'folder-right', 'group-mail', 'app-permission', 'consented-mailbox', 'delegated-permission', 'forwarding-rule', 'hiding-rule']))
WITH DISTINCT m, h, x, s.rule AS step, s.opens AS since, s.rule IN ['forwarding-rule', 'hiding-rule'] AS outward
RETURN m.key AS mailbox, step, CASE WHEN outward THEN h.kind ELSE x.kind END AS from_kind, CASE WHEN outward THEN h.key ELSE x.key END AS `from`,
       CASE WHEN outward THEN x.kind ELSE h.kind END AS to_kind, CASE WHEN outward THEN x.key ELSE h.key END AS `to`, x.name AS name, since
ORDER BY mailbox, step, `from`, `to`, since
