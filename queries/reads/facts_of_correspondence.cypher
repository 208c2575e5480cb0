// The facts by which a mailbox exchanged mail with an address: who sent, or was sent, the messages it holds.
MATCH (m:Mailbox)-[:HOLDS]->(x:Message)-[r:SENT_BY|ADDRESSED_TO]->(c:Correspondent)
WHERE m.key = $mailbox AND c.key = $address
RETURN DISTINCT r.fact AS fact, r.source AS source, r.place AS place
ORDER BY source, place, fact
LIMIT $limit
