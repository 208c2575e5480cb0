// id: constrained-delegation
// number: AD07
// title: Sign in to a server as anybody by delegation
// sentence: {source} may sign in to {target} in the name of anybody
// needs: [CONTROLS]
// hold: foothold
// profile: rights
// attack: [T1550.003, T1558]
// survives_reset: yes
// closes_with: Remove the delegation; reimage the server
// confirmed_by: [Windows 4769 with transited services, Windows 4624 type 3 on the server]
// likelihood: low; ordinal hint of the step table, no study
// limits: Accounts that may not be delegated (Protected Users, sensitive) cannot be used, which is not seen. The service named in the delegation can be exchanged for another one of the same server.
MATCH (a:Account|Server)-[c:CONTROLS]->(t:Server)
WHERE c.through IS NULL AND c.`right` = 'AllowedToDelegate'
RETURN a.key AS source, t.key AS target, c.valid_from AS opens, c.valid_until AS closes, [c.fact] AS because
