// id: same-password
// number: S13
// title: Try the password of a held account elsewhere
// sentence: {source} has the password {target}, which opens something else too
// needs: [OPENS]
// hold: foothold
// profile: quiet
// attack: [T1110.004, T1110.003]
// survives_reset: yes
// closes_with: Set another password wherever it was used
// confirmed_by: [sign-in log of the other place]
// likelihood: medium; 20 % of hijacked accounts were in dumps of passwords (Shah et al. 2020)
// limits: Only where a source says that one credential opens several. Whoever holds the account is taken to know its password, which a stolen session does not tell.
MATCH (a:Account)<-[o:OPENS]-(s:Secret)-[p:OPENS]->(b:Account|Service|Server)
WHERE a.key <> b.key
WITH a, s, o, min(p.fact) AS other
RETURN a.key AS source, s.key AS target, o.valid_from AS opens, o.valid_until AS closes, [o.fact, other] AS because
