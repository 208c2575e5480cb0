// id: send-as
// number: S05
// title: Write as somebody else
// sentence: {source} may write as {target}
// needs: [SEND_AS, SEND_ON_BEHALF, HAS_ADDRESS]
// hold: borrowed
// profile: rights
// attack: [T1534, T1656]
// survives_reset: no
// closes_with: Remove the right
// confirmed_by: [SendAs, SendOnBehalf]
// likelihood: medium; ordinal hint of the step table, no study
// limits: Gives the sender's name, not the mailbox.
MATCH (a:Account|`Group`)-[r:SEND_AS|SEND_ON_BEHALF]->(b:Mailbox|`Group`)
WITH DISTINCT a, b, r.fact AS r_fact, r.valid_from AS r_from, r.valid_until AS r_until
MATCH (b)-[h:HAS_ADDRESS]->(c:Correspondent)
WHERE h.type = 'primary'
RETURN a.key AS source, c.key AS target,
       CASE WHEN r_from IS NULL THEN h.valid_from WHEN h.valid_from IS NULL THEN r_from WHEN r_from > h.valid_from THEN r_from ELSE h.valid_from END AS opens,
       CASE WHEN r_until IS NULL THEN h.valid_until WHEN h.valid_until IS NULL THEN r_until WHEN r_until < h.valid_until THEN r_until ELSE h.valid_until END AS closes,
       [r_fact, h.fact] AS because
