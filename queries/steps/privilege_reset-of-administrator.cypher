// id: reset-of-administrator
// number: S21
// title: Set a new password for an administrator
// sentence: {source} may set a new password for the administrator {target}
// needs: [CONTROLS, BELONGS_TO, HAS_ROLE, MEMBER_OF, SAME_IDENTITY]
// hold: foothold
// profile: rights
// attack: [T1098, T1078.004]
// survives_reset: no
// closes_with: Reset the account and remove the methods that were registered for it
// confirmed_by: [Reset user password, user.account.reset_password]
// likelihood: low; ordinal hint of the step table, no study
// limits: Only roles that reset every password (global, privileged authentication, partner tier 2, super administrator). Lesser ones may reset holders of some small roles, which is not followed. A second factor is not seen.
MATCH (a:Account)-[b:BELONGS_TO]->(t:Container)
WHERE t.type = 'tenant'
  AND (EXISTS { MATCH (a)-[:HAS_ROLE]->(q:Role) WHERE coalesce(q.system, 'entra') IN ['entra', 'okta'] AND NOT coalesce(q.name, '') IN ['Directory Readers', 'Guest Inviter'] }
       OR EXISTS { MATCH (a)-[:MEMBER_OF]->(:`Group`)-[:HAS_ROLE]->(q:Role) WHERE coalesce(q.system, 'entra') IN ['entra', 'okta'] AND NOT coalesce(q.name, '') IN ['Directory Readers', 'Guest Inviter'] }
       OR EXISTS { MATCH (a)-[:SAME_IDENTITY]-(:Account)-[:HAS_ROLE]->(q:Role) WHERE coalesce(q.system, 'entra') IN ['entra', 'okta'] AND NOT coalesce(q.name, '') IN ['Directory Readers', 'Guest Inviter'] })
WITH DISTINCT a, b, t
MATCH (r:Role)-[c:CONTROLS]->(t)
WHERE c.`right` = 'ResetAnyPassword'
RETURN r.key AS source, a.key AS target,
       CASE WHEN c.valid_from IS NULL THEN b.valid_from WHEN b.valid_from IS NULL THEN c.valid_from WHEN c.valid_from > b.valid_from THEN c.valid_from ELSE b.valid_from END AS opens,
       CASE WHEN c.valid_until IS NULL THEN b.valid_until WHEN b.valid_until IS NULL THEN c.valid_until WHEN c.valid_until < b.valid_until THEN c.valid_until ELSE b.valid_until END AS closes,
       [c.fact, b.fact] AS because
