// id: domain-controller
// number: AD11
// title: Take a domain's database from its controller
// sentence: {source} is a controller of the domain {target} and stores its secrets
// needs: [HOSTS]
// hold: foothold
// attack: [T1003.003]
// survives_reset: yes
// closes_with: Rebuild the controller; reset krbtgt twice and every account of the domain
// confirmed_by: [Windows 8222 or 4688 of ntdsutil and vssadmin, endpoint detection]
// likelihood: high; ordinal hint of the step table, no study
// limits: Read-only controllers are left out by the loaders.
MATCH (s:Server)-[h:HOSTS]->(d:Container)
RETURN s.key AS source, d.key AS target, h.valid_from AS opens, h.valid_until AS closes, [h.fact] AS because
