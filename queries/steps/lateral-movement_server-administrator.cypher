// id: server-administrator
// number: S24
// title: Take over a server as its administrator
// sentence: {source} administers {target}
// needs: [ADMIN_TO]
// hold: foothold
// profile: rights
// attack: [T1021.002, T1021.004, T1021.006, T1078.002]
// survives_reset: yes
// closes_with: Remove the right and reimage the server
// confirmed_by: [Windows 4624 with 4672, Windows 4697 / 7045, Windows 5140 of C$ or ADMIN$, sshd log]
// likelihood: medium; ordinal hint of the step table, no study
// limits: A network path to the server is assumed.
MATCH (a:Account|`Group`|Server)-[r:ADMIN_TO]->(h:Server)
RETURN a.key AS source, h.key AS target, r.valid_from AS opens, r.valid_until AS closes, [r.fact] AS because
