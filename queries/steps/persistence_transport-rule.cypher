// id: transport-rule
// number: S22
// title: Keep a transport rule of a held mail system
// sentence: {source} has the transport rule {target}, which goes on acting on its mail
// needs: [PASSES_THROUGH]
// hold: foothold
// profile: rights
// attack: [T1114.003, T1564.008, T1070.008]
// survives_reset: yes
// closes_with: Delete the transport rule; look at who may make such rules
// confirmed_by: [New-TransportRule, Set-TransportRule, Enable-TransportRule]
// likelihood: low; ordinal hint of the step table, no study
// limits: Who made the rule is not asked here. Rules that could be made but were not are not counted. Connectors are not read.
MATCH (s:Service)-[p:PASSES_THROUGH]->(r:Rule)
WHERE s.type = 'mail system' AND r.type = 'transport rule'
RETURN s.key AS source, r.key AS target, p.valid_from AS opens, p.valid_until AS closes, [p.fact] AS because
