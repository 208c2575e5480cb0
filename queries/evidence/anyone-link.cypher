// step: anyone-link
// title: Uses of a link that anyone may open
// logs: [shared files]
// scope: source
// limits: Whoever used it had no account: whether it was the attacker is for the address to tell. Uses of before the account made or changed the link are not its own.
MATCH (made:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND made.operation IN ['AnonymousLinkCreated', 'AnonymousLinkUpdated'] AND coalesce(made.succeeded, true)
WITH DISTINCT made, a
MATCH (made)-[r:OBSERVED]->(f:File)
WHERE r.role = 'target'
WITH DISTINCT a, f, made.at AS since
MATCH (o:Observation)-[u:OBSERVED]->(f)
WHERE u.role = 'target' AND o.operation = 'AnonymousLinkUsed' AND o.at >= since
RETURN DISTINCT a.key AS source, f.key AS target, o.key AS observation
