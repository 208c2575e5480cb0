// title: What goes on after a mailbox's password was reset
// asks: incident lead
// question: Which ways into the mailbox and out of it do not end when its owner's password is reset: delegates, folder rights, applications,
//   rules and forwardings, further methods by which the owner signs in? Only what is not known to have ended.
// columns: [mailbox, step, from_kind, from, to_kind, to, name, since]
// parameter: mailbox string =  | address, name or key of the mailbox; empty: all mailboxes
MATCH (h:Mailbox|Account)-[:OWNS*0..1]->(m:Mailbox)
WHERE toLower($mailbox) IN ['', m.key, m.address, toLower(m.name)]
MATCH (x)-[s:STEP]->(y)
WHERE s.closes IS NULL
  AND ((y.key = h.key AND s.rule IN ['full-access', 'shared-mailbox', 'folder-right', 'group-mail', 'app-permission', 'consented-mailbox', 'registered-method'])
    OR (x.key = h.key AND s.rule IN ['forwarding-rule', 'hiding-rule', 'client-rule']))
RETURN DISTINCT m.key AS mailbox, s.rule AS step, x.kind AS from_kind, x.key AS `from`, y.kind AS to_kind, y.key AS `to`,
       CASE WHEN y.key = h.key THEN x.name ELSE y.name END AS name, s.opens AS since
ORDER BY mailbox, step, `from`, `to`, since
