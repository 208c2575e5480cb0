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
MATCH (a:Account|`Group`)-[r:SEND_AS|SEND_ON_BEHALF]->(b:Mailbox|`Group`)-[h:HAS_ADDRESS]->(c:Correspondent)
WHERE h.type = 'primary'
RETURN a.key AS source, c.key AS target,
       CASE WHEN r.valid_from IS NULL THEN h.valid_from WHEN h.valid_from IS NULL THEN r.valid_from WHEN r.valid_from > h.valid_from THEN r.valid_from ELSE h.valid_from END AS opens,
       CASE WHEN r.valid_until IS NULL THEN h.valid_until WHEN h.valid_until IS NULL THEN r.valid_until WHEN r.valid_until < h.valid_until THEN r.valid_until ELSE h.valid_until END AS closes,
       [r.fact, h.fact] AS because
