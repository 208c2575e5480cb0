// step: targeted-kerberoast
// title: Service names added to an account, in the log of a domain controller
// logs: [audit log, logons]
// scope: target
// limits: Administrators of services add such names too. Only where the directory that names the account was loaded; the ticket and the cracking are not seen.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation = '5136' AND o.note = 'added servicePrincipalName'
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(t:Account)
WHERE r.role = 'target' AND t.key <> a.key
RETURN DISTINCT a.key AS source, t.key AS target, o.key AS observation
