// title: Whose mail a mailbox held in a window of time
// asks: privacy officer
// question: Which persons outside sent, or were sent, messages that lay in the mailbox at some time within the window, however old, how many were they,
//   and how many of them encrypted? Whoever could open the mailbox then could read them. hakyu notify makes the letters.
// columns: [mailbox, address, name, country, messages, encrypted, earliest, latest]
// parameter: mailbox string =  | address, name or key of the mailbox; empty: all mailboxes
// parameter: since int = 0 | from when (seconds since 1970 UTC)
// parameter: until int = 0 | until when (exclusive); 0: without end
MATCH (m:Mailbox)
WHERE toLower($mailbox) IN ['', m.key, m.address, toLower(m.name)]
WITH m
MATCH (m)-[h:HOLDS]->(x:Message)
WHERE (h.purged IS NULL OR h.purged > $since) AND ($until = 0 OR coalesce(h.delivered, x.sent, 0) < $until)
WITH DISTINCT m, x
MATCH (x)-[:SENT_BY|ADDRESSED_TO]->(c:Correspondent)
WHERE NOT coalesce(c.internal, false)
RETURN m.key AS mailbox, c.key AS address, c.name AS name, c.country AS country, count(DISTINCT x.key) AS messages,
       count(DISTINCT CASE WHEN x.encrypted THEN x.key ELSE NULL END) AS encrypted, min(x.sent) AS earliest, max(x.sent) AS latest
ORDER BY mailbox, messages DESC, address
