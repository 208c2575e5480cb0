// step: remote-access
// title: Sign-ins to a VPN, in the log of its gateway
// logs: [sign-ins]
// scope: target
// limits: The gateway must bear the same name in its log and where the right was stated (access.csv); else the record counts without the right behind it.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.as_who = 'vpn'
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(s:Service)
WHERE r.role = 'target' AND s.type = 'vpn'
RETURN DISTINCT a.key AS source, s.key AS target, o.key AS observation
