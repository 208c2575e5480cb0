// Every message of the named mailboxes: what lies, or lay, in them.
MATCH (m:Mailbox)-[h:HOLDS]->(x:Message)
WHERE m.key IN $mailboxes
RETURN m.key AS mailbox, x.key AS message, x.content AS content, x.sent AS sent, h.delivered AS delivered, h.purged AS purged, h.folder AS folder
