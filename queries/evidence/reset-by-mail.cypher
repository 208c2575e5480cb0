// step: reset-by-mail
// title: A password that its own account set anew, in the audit log
// logs: [audit log]
// scope: target
// limits: The log does not say that it was done by mail. Of services whose log is not read nothing is seen: state such a log as complete for its own domain only.
MATCH (o:Observation)-[w:OBSERVED]->(t:Account)
WHERE w.role = 'actor' AND o.operation IN ['Reset password (self-service)', 'user.account.reset_password']
  AND NOT EXISTS { MATCH (o)-[r:OBSERVED]->(b:Account) WHERE r.role = 'target' AND b.key <> t.key }
WITH DISTINCT o, t
MATCH (t)-[:RESETS_BY]->(:Correspondent)<-[:HAS_ADDRESS]-(m:Mailbox)
RETURN DISTINCT m.key AS source, t.key AS target, o.key AS observation
