// Every address on a message of the named mailboxes.
MATCH (m:Mailbox)-[:HOLDS]->(x:Message)-[:ADDRESSED_TO]->(c:Correspondent)
WHERE m.key IN $mailboxes
RETURN DISTINCT x.key AS message, c.key AS address
UNION ALL
MATCH (m:Mailbox)-[:HOLDS]->(x:Message)-[:SENT_BY]->(c:Correspondent)
WHERE m.key IN $mailboxes
RETURN DISTINCT x.key AS message, c.key AS address
