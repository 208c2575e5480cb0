// id: forwarded-mail
// number: S07
// title: Receive what another mailbox forwards
// sentence: {source} receives what {target} copies
// needs: [FORWARDS_TO, HAS_ADDRESS]
// hold: borrowed
// profile: rights
// attack: [T1114.003]
// survives_reset: no
// closes_with: Delete the rule or the forwarding
// confirmed_by: [message trace]
// likelihood: high; ordinal hint: forwarding is usual in business e-mail compromise
// limits: Copies that came before the hold lie in the receiving mailbox and are counted there.
MATCH (n:Mailbox|`Group`)-[h:HAS_ADDRESS]->(c:Correspondent)<-[f:FORWARDS_TO]-(r:Rule)
RETURN n.key AS source, r.key AS target,
       CASE WHEN h.valid_from IS NULL THEN f.valid_from WHEN f.valid_from IS NULL THEN h.valid_from WHEN h.valid_from > f.valid_from THEN h.valid_from ELSE f.valid_from END AS opens,
       CASE WHEN h.valid_until IS NULL THEN f.valid_until WHEN f.valid_until IS NULL THEN h.valid_until WHEN h.valid_until < f.valid_until THEN h.valid_until ELSE f.valid_until END AS closes,
       [h.fact, f.fact] AS because
