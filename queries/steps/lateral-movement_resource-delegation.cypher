// id: resource-delegation
// number: AD08
// title: Sign in to a server that accepts one's delegation
// sentence: {source} may let itself be delegated to {target}
// needs: [CONTROLS]
// hold: foothold
// profile: rights
// attack: [T1550.003, T1558]
// survives_reset: yes
// closes_with: Remove the right and what was written to msDS-AllowedToActOnBehalfOfOtherIdentity; reimage the server
// confirmed_by: [Windows 5136 of msDS-AllowedToActOnBehalfOfOtherIdentity, Windows 4769 with transited services]
// likelihood: low; ordinal hint of the step table, no study
// limits: Needs an account with a service name: a computer, a service account, or one that a user may still add to the domain, which is not seen.
MATCH (a:Account|`Group`|Server)-[c:CONTROLS]->(t:Server)
WHERE c.through IS NULL AND c.`right` IN ['AllowedToAct', 'AddAllowedToAct', 'WriteAccountRestrictions']
RETURN a.key AS source, t.key AS target, c.valid_from AS opens, c.valid_until AS closes, [c.fact] AS because
