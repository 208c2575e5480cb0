// id: internal-phishing
// number: S14
// title: Phish a colleague from a held mailbox
// sentence: {source} writes to the colleague {target}, who trusts it
// needs: [CORRESPONDED, HAS_ADDRESS, OWNS]
// hold: foothold
// profile: noisy
// attack: [T1534, T1566.001, T1566.002, T1566.003, T1621]
// survives_reset: no
// closes_with: Reset the colleague's account
// confirmed_by: [sign-in anomaly of the colleague]
// likelihood: low; 11 % of attackers who phished from an account gained another (Ho et al., USENIX Security 2019); per recipient at least 0.02 %
// limits: Only colleagues with whom mail was exchanged, purged since or not; the address book would name everybody. Writing as
//   somebody else is not asked. A possibility, not a probability: that a mail was sent does not show that it was believed, so no record confirms it.
MATCH (m:Mailbox)-[r:CORRESPONDED]->(c:Correspondent)<-[h:HAS_ADDRESS]-(b:Account)
WHERE c.internal
RETURN m.key AS source, b.key AS target,
       CASE WHEN r.valid_from IS NULL THEN h.valid_from WHEN h.valid_from IS NULL THEN r.valid_from WHEN r.valid_from > h.valid_from THEN r.valid_from ELSE h.valid_from END AS opens,
       h.valid_until AS closes,
       [r.fact, h.fact] AS because
UNION ALL
MATCH (m:Mailbox)-[r:CORRESPONDED]->(c:Correspondent)<-[h:HAS_ADDRESS]-(:Mailbox)<-[o:OWNS]-(b:Account)
WHERE c.internal
WITH m, r, h, o, b,
     CASE WHEN h.valid_from IS NULL THEN o.valid_from WHEN o.valid_from IS NULL THEN h.valid_from WHEN h.valid_from > o.valid_from THEN h.valid_from ELSE o.valid_from END AS since
RETURN m.key AS source, b.key AS target,
       CASE WHEN r.valid_from IS NULL THEN since WHEN since IS NULL THEN r.valid_from WHEN r.valid_from > since THEN r.valid_from ELSE since END AS opens,
       CASE WHEN h.valid_until IS NULL THEN o.valid_until WHEN o.valid_until IS NULL THEN h.valid_until WHEN h.valid_until < o.valid_until THEN h.valid_until ELSE o.valid_until END AS closes,
       [r.fact, h.fact, o.fact] AS because
