// id: anyone-link
// number: S18
// title: Keep a link to a file that anyone may open
// sentence: {source} knows the link by which anyone opens {target}
// needs: [OBSERVED]
// hold: foothold
// profile: quiet
// attack: [T1213.002, T1530]
// survives_reset: yes
// closes_with: Remove the link
// confirmed_by: [AnonymousLinkUsed]
// likelihood: high; ordinal hint: files are what espionage is after
// limits: Only links that a log saw the account make or change; a link that stands in a message is not seen. A file may have several: the last removal on record is taken for the end of them all.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.at IS NOT NULL AND coalesce(o.succeeded, true) AND o.operation IN ['AnonymousLinkCreated', 'AnonymousLinkUpdated']
WITH DISTINCT o, a, w.fact AS who
MATCH (o)-[r:OBSERVED]->(f:File)
WHERE r.role = 'target'
WITH DISTINCT o, a, f, who, r.fact AS what
OPTIONAL MATCH (gone:Observation)-[g:OBSERVED]->(f)
WHERE g.role = 'target' AND gone.operation = 'AnonymousLinkRemoved' AND gone.at >= o.at AND coalesce(gone.succeeded, true)
RETURN a.key AS source, f.key AS target, o.at AS opens, max(gone.at) AS closes, [who, what] AS because
