// step: folder-secret
// title: A delegate's reads of the message that holds the credential
// logs: [mail access]
// scope: source
// limits: Single messages only: a folder that was synchronised names none.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.as_who = 'delegate'
  AND o.operation IN ['MailItemsAccessed', 'MessageBind', 'FolderBind',
                      'gmail opened for the first time', 'gmail viewed', 'gmail downloaded', 'gmail attachment downloaded', 'gmail attachment previewed', 'gmail attachment saved to Drive']
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(x:Message)
WHERE r.role = 'message'
WITH DISTINCT o, a, x
MATCH (x)-[:CONTAINS_SECRET]->(s:Secret)
RETURN DISTINCT a.key AS source, s.key AS target, o.key AS observation
