// id: reset-by-mail
// number: S11
// title: Set a password anew by mail
// sentence: {source} gets the mail by which the password of {target} is set anew
// needs: [HAS_ADDRESS, RESETS_BY]
// hold: foothold
// profile: quiet
// attack: [T1078, T1098]
// survives_reset: yes
// closes_with: Set the password anew from elsewhere; recover by something else than mail
// confirmed_by: [audit log of the service, reset mail in the mailbox]
// likelihood: high; mail is the usual way to recover an account (239 sites, most of them: Li et al., INFOCOM 2018)
// limits: Of a service it is the account of the mailbox's owner, not the service as a whole. A second factor is not seen. A gateway or a forwarding that the mail passes could do the same, which is not asked.
MATCH (m:Mailbox)-[h:HAS_ADDRESS]->(c:Correspondent)<-[r:RESETS_BY]-(t:Account|Service)
RETURN m.key AS source, t.key AS target,
       CASE WHEN h.valid_from IS NULL THEN r.valid_from WHEN r.valid_from IS NULL THEN h.valid_from WHEN h.valid_from > r.valid_from THEN h.valid_from ELSE r.valid_from END AS opens,
       CASE WHEN h.valid_until IS NULL THEN r.valid_until WHEN r.valid_until IS NULL THEN h.valid_until WHEN h.valid_until < r.valid_until THEN h.valid_until ELSE r.valid_until END AS closes,
       [h.fact, r.fact] AS because
