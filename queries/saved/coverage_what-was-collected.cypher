// title: What was collected and what not
// asks: incident lead
// question: Of everything that could be known, what did the loaded files ask for, of how much, and from when to when? Where the state is
//   "not collected", silence says nothing.
// columns: [what, state, format, scope, collected, missing, capped, first, last, note]
UNWIND ['accounts', 'groups', 'mailboxes', 'mailbox rights', 'send rights', 'folder rights', 'forwarding', 'inbox rules',
        'mail headers', 'message trace', 'servers', 'server administrators', 'remote access', 'sessions', 'mail hosts',
        'correspondents', 'exchange administrators', 'audit log', 'mail access', 'sign-ins', 'logons', 'app permissions',
        'roles', 'transport rules', 'network', 'shared files', 'indicators', 'remediations',
        'directory rights'] AS what
OPTIONAL MATCH (c:LogCoverage) WHERE c.what = what
RETURN what,
       CASE WHEN c.key IS NULL THEN 'not collected' WHEN c.missing > 0 OR c.capped THEN 'in part' ELSE 'collected' END AS state,
       c.format AS format, c.scope AS scope, c.collected AS collected, c.missing AS missing, c.capped AS capped,
       c.first AS first, c.last AS last, c.note AS note
ORDER BY what, format, scope, c.key
