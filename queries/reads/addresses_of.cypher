// Whose an address is: who is known by it, and who owns the mailbox that is.
MATCH (a)-[:HAS_ADDRESS]->(c:Correspondent)
WHERE c.key = $address
RETURN DISTINCT a.key AS key, a.kind AS kind, a.name AS name
UNION
MATCH (a:Account)-[:OWNS]->(m:Mailbox)-[:HAS_ADDRESS]->(c:Correspondent)
WHERE c.key = $address
RETURN DISTINCT a.key AS key, a.kind AS kind, a.name AS name
