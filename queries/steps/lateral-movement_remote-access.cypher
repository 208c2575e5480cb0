// id: remote-access
// number: S23
// title: Sign in from afar: VPN, remote desktop, remote shell
// sentence: {source} signs in from afar to {target}
// needs: [SIGNS_IN_TO]
// hold: borrowed
// profile: rights
// attack: [T1133, T1021.001, T1021.003, T1021.006]
// survives_reset: no
// closes_with: Remove the entitlement; end the sessions; change the password
// confirmed_by: [Windows 4624 type 10, Windows 21 / 25 / 1149 / 4778 of remote desktop, VPN log]
// likelihood: medium; ordinal hint of the step table, no study
// limits: A position, not the machine: only administration holds a server. Rights of the server's own (user rights, as the right to sign in by remote desktop that a policy gives) are not read. A second factor is not seen.
MATCH (a:Account|`Group`)-[r:SIGNS_IN_TO]->(s:Service)
WHERE r.via IN ['rdp', 'vpn', 'winrm', 'ssh', 'dcom'] AND coalesce(s.type, '') <> 'mail system'
RETURN a.key AS source, s.key AS target, r.valid_from AS opens, r.valid_until AS closes, [r.fact] AS because
