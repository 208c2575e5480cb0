// id: mail-in-transit
// number: S02
// title: See mail that passes a held gateway or rule
// sentence: {source} sees the mail of {target} as it passes
// needs: [PASSES_THROUGH, HOSTS, FORWARDS_TO]
// hold: borrowed
// vantage: in transit
// profile: rights
// attack: [T1190, T1040, T1114, T1505.002]
// survives_reset: yes
// closes_with: Replace or reimage the device; delete the rule
// confirmed_by: [appliance forensics, message trace, network flow]
// likelihood: certain; follows from holding what the mail passes
// limits: Only what passes while it is held; mail encrypted end to end stays closed.
MATCH (m:Mailbox)-[p:PASSES_THROUGH]->(g:Server|Rule)
WHERE g.kind = 'Server' OR NOT coalesce(g.hides, false) OR EXISTS { MATCH (g)-[:FORWARDS_TO]->(:Correspondent) }
RETURN g.key AS source, m.key AS target, p.valid_from AS opens, p.valid_until AS closes, [p.fact] AS because
UNION ALL
MATCH (m:Mailbox)<-[h:HOSTS]-(s:Service)-[p:PASSES_THROUGH]->(g:Server)
RETURN g.key AS source, m.key AS target,
       CASE WHEN h.valid_from IS NULL THEN p.valid_from WHEN p.valid_from IS NULL THEN h.valid_from WHEN h.valid_from > p.valid_from THEN h.valid_from ELSE p.valid_from END AS opens,
       CASE WHEN h.valid_until IS NULL THEN p.valid_until WHEN p.valid_until IS NULL THEN h.valid_until WHEN h.valid_until < p.valid_until THEN h.valid_until ELSE p.valid_until END AS closes,
       [h.fact, p.fact] AS because
