// What was done against the attacker, to what, and when.
MATCH (r:Remediation)-[:REMEDIATES]->(x)
RETURN x.key AS target, x.kind AS kind, r.what AS what, r.at AS at
