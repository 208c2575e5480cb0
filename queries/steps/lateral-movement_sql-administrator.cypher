// id: sql-administrator
// number: AD19
// title: Run commands on a server as administrator of its database
// sentence: {source} administers the database of {target}, which runs its commands
// needs: [CONTROLS]
// hold: foothold
// profile: rights
// attack: [T1505.001, T1021]
// survives_reset: yes
// closes_with: Remove the role in the database; reimage the server
// confirmed_by: [SQL Server audit of xp_cmdshell, endpoint detection]
// likelihood: low; ordinal hint of the step table, no study
// limits: The account that the database runs as may have few rights on the server, which is not seen.
MATCH (a:Account|`Group`|Server)-[c:CONTROLS]->(t:Server)
WHERE c.through IS NULL AND c.`right` = 'SQLAdmin'
RETURN a.key AS source, t.key AS target, c.valid_from AS opens, c.valid_until AS closes, [c.fact] AS because
