// step: super-administrator
// title: Passwords changed by an administrator, in Google's audit log
// logs: [audit log]
// scope: target
// limits: Lesser administrators' resets are written alike.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation = 'CHANGE_PASSWORD' AND o.as_who = 'admin'
WITH DISTINCT o, a
MATCH (o)-[t:OBSERVED]->(b:Account)
WHERE t.role = 'target' AND b.key <> a.key
WITH DISTINCT o, b
MATCH (b)-[:OWNS]->(:Mailbox)<-[:HOSTS]-(:Service)<-[:ADMIN_TO]-(r:Role)
WHERE r.system = 'google' AND r.name = 'super admin'
RETURN DISTINCT r.key AS source, b.key AS target, o.key AS observation
