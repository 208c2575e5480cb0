// id: targeted-kerberoast
// number: AD22
// title: Give an account a service name, and crack the ticket for it
// sentence: {source} may give {target} a service name and crack the ticket that is issued for it
// needs: [CONTROLS]
// hold: foothold
// profile: quiet
// attack: [T1558.003]
// survives_reset: yes
// closes_with: Remove the right and the service name that was added; set a long password
// confirmed_by: [Windows 5136 of servicePrincipalName, Windows 4769 for the account]
// likelihood: low; ordinal hint of the step table, no study
// limits: Only a weak password can be cracked, and how strong it is is not known. Accounts that have a service name already can be asked for by anybody of the domain, which is not followed. GenericWrite and GenericAll hold the right too, and are steps of their own.
MATCH (a:Account|`Group`|Server)-[c:CONTROLS]->(t:Account)
WHERE c.`right` = 'WriteSPN'
RETURN a.key AS source, t.key AS target, c.valid_from AS opens, c.valid_until AS closes, [c.fact] AS because
