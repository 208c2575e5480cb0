// id: reset-in-tenant
// number: S21
// title: Set a new password for an account without a role
// sentence: Whoever resets passwords in {source} may set a new one for {target}
// needs: [BELONGS_TO, HAS_ROLE, MEMBER_OF, SAME_IDENTITY]
// hold: foothold
// profile: rights
// attack: [T1098, T1078.004]
// survives_reset: no
// closes_with: Reset the account and remove the methods that were registered for it
// confirmed_by: [Reset user password, user.account.reset_password]
// likelihood: low; ordinal hint of the step table, no study
// limits: An account that holds, or held, a role of the directory is left out (but for Directory Readers and Guest Inviter, whom every such role may reset): another step has it. Some roles may reset holders of a few others, which is not followed. The owner notices that the old password fails. A password that comes from an Active Directory may have to be changed there. A second factor is not seen.
MATCH (a:Account)-[b:BELONGS_TO]->(t:Container)
WHERE t.type = 'tenant'
  AND NOT EXISTS { MATCH (a)-[:HAS_ROLE]->(r:Role) WHERE coalesce(r.system, 'entra') IN ['entra', 'okta'] AND NOT coalesce(r.name, '') IN ['Directory Readers', 'Guest Inviter'] }
  AND NOT EXISTS { MATCH (a)-[:MEMBER_OF]->(:`Group`)-[:HAS_ROLE]->(r:Role) WHERE coalesce(r.system, 'entra') IN ['entra', 'okta'] AND NOT coalesce(r.name, '') IN ['Directory Readers', 'Guest Inviter'] }
  AND NOT EXISTS { MATCH (a)-[:SAME_IDENTITY]-(:Account)-[:HAS_ROLE]->(r:Role) WHERE coalesce(r.system, 'entra') IN ['entra', 'okta'] AND NOT coalesce(r.name, '') IN ['Directory Readers', 'Guest Inviter'] }
RETURN t.key AS source, a.key AS target, b.valid_from AS opens, b.valid_until AS closes, [b.fact] AS because
