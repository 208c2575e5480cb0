// id: coerced-ticket
// number: AD20
// title: Catch a domain controller's ticket
// sentence: {source} keeps the tickets of all who sign in to it, and can make a controller of {target} do so
// needs: [CONTROLS]
// hold: foothold
// attack: [T1187, T1558]
// survives_reset: yes
// closes_with: Remove the unconstrained delegation; reset krbtgt twice and every account of the domain
// confirmed_by: [Windows 4624 of a controller on the server, Windows 4769 with forwardable tickets]
// likelihood: low; ordinal hint of the step table, no study
// limits: That a controller can be made to connect (print spooler, EFS) is assumed.
MATCH (a:Account|Server)-[c:CONTROLS]->(t:Container)
WHERE c.`right` = 'CoerceToTGT'
RETURN a.key AS source, t.key AS target, c.valid_from AS opens, c.valid_until AS closes, [c.fact] AS because
