// id: guest-account
// number: S28
// title: Enter another organisation's tenant as its guest
// sentence: {source} is known in another tenant as its guest {target}
// needs: [HAS_ADDRESS, TRUSTS]
// hold: borrowed
// profile: rights
// attack: [T1199, T1078.004]
// survives_reset: no
// closes_with: Remove the guest in the other tenant, or block it until the account at home is clean
// confirmed_by: [cross-tenant sign-in]
// likelihood: low; ordinal hint of the step table, no study
// limits: Home and guest are put together by the address that was invited, or by an analyst (ways.csv). A policy of the other tenant that asks for a second factor of its own is not seen. What a partner may do by a role (GDAP) is a role of its own group.
MATCH (h:Account)-[k:HAS_ADDRESS]->(c:Correspondent)
WHERE coalesce(h.type, 'user') <> 'guest' AND k.type IN ['primary', 'mail', 'upn']
WITH DISTINCT h, c, k.fact AS k_fact, k.valid_from AS k_from, k.valid_until AS k_until
MATCH (c)<-[g:HAS_ADDRESS]-(a:Account)
WHERE a.type = 'guest' AND g.type IN ['primary', 'mail']
RETURN h.key AS source, a.key AS target,
       CASE WHEN k_from IS NULL THEN g.valid_from WHEN g.valid_from IS NULL THEN k_from WHEN k_from > g.valid_from THEN k_from ELSE g.valid_from END AS opens,
       CASE WHEN k_until IS NULL THEN g.valid_until WHEN g.valid_until IS NULL THEN k_until WHEN k_until < g.valid_until THEN k_until ELSE g.valid_until END AS closes,
       [k_fact, g.fact] AS because
UNION ALL
MATCH (a:Account)-[r:TRUSTS]->(h:Account)
WHERE r.type = 'guest'
RETURN h.key AS source, a.key AS target, r.valid_from AS opens, r.valid_until AS closes, [r.fact] AS because
