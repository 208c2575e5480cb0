// id: domain-secrets
// number: AD10
// title: Sign in as anybody of a held domain
// sentence: {source} gives the secrets of {target}
// needs: [BELONGS_TO]
// hold: foothold
// profile: rights
// attack: [T1003.006, T1558.001]
// survives_reset: no
// closes_with: Reset krbtgt twice and every account of the domain; rebuild its servers
// confirmed_by: [Windows 4769 without a 4768 before it, Windows 4672 of an account that has no such rights]
// likelihood: high; ordinal hint of the step table, no study
// limits: Whoever holds the domain can forge a ticket for any of its accounts, groups and computers.
MATCH (t:Account|`Group`|Server)-[b:BELONGS_TO]->(d:Container)
WHERE d.type = 'domain'
RETURN d.key AS source, t.key AS target, b.valid_from AS opens, b.valid_until AS closes, [b.fact] AS because
