// id: session-harvest
// number: S25
// title: Take the credential of somebody signed in to a held server
// sentence: {source} holds the credential of {target}, who is signed in there
// needs: [SESSION_ON]
// hold: foothold
// attack: [T1003.001, T1550.002, T1550.003, T1539]
// survives_reset: no
// closes_with: Reset the account; keep administrators off lower machines
// confirmed_by: [Windows 4648 on the server with the credential, endpoint detection]
// likelihood: medium; ordinal hint of the step table, no study
// limits: A snapshot of sessions stands for the whole time; credential guard is not seen. What stays in memory or in the cache after the logoff is not counted.
MATCH (a:Account)-[s:SESSION_ON]->(h:Server)
RETURN h.key AS source, a.key AS target, s.valid_from AS opens, s.valid_until AS closes, [s.fact] AS because
