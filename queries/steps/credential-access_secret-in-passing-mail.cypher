// id: secret-in-passing-mail
// number: S10
// title: Find a credential in a message that passes
// sentence: {source} sees a message with the credential {target} as it passes
// needs: [PASSES_THROUGH, HOLDS, CONTAINS_SECRET, FORWARDS_TO]
// hold: foothold
// profile: quiet
// attack: [T1040, T1552.008]
// survives_reset: yes
// closes_with: Rotate the credential
// confirmed_by: [appliance forensics, message trace]
// likelihood: medium; ordinal hint: follows from holding what the mail passes, and from reading it
// limits: Only at the second of delivery, where a source tells it. Which mail a rule takes is not asked. Mail on its way out is not seen here.
MATCH (m:Mailbox)-[h:HOLDS]->(x:Message)
WHERE h.delivered IS NOT NULL AND EXISTS { MATCH (x)-[:CONTAINS_SECRET]->(:Secret) }
WITH DISTINCT m, x, h.delivered AS came, h.fact AS kept
MATCH (m)-[p:PASSES_THROUGH]->(g:Server|Rule)
WHERE (p.valid_from IS NULL OR p.valid_from <= came) AND (p.valid_until IS NULL OR came < p.valid_until)
WITH DISTINCT x, came, kept, g, p.fact AS passed
WHERE g.kind = 'Server' OR EXISTS { MATCH (g)-[:FORWARDS_TO]->(:Correspondent) }
MATCH (x)-[c:CONTAINS_SECRET]->(s:Secret)
RETURN g.key AS source, s.key AS target, came AS opens, came + 1 AS closes, [passed, kept, c.fact] AS because
