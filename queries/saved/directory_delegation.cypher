// title: Who may act as anybody on a server
// asks: AD administrator
// question: Which accounts and servers may sign in to a server in the name of others: by delegation to it (AllowedToDelegate), because it lets them
//   (AllowedToAct), or because they keep the tickets of all who come (CoerceToTGT, unconstrained)?
// columns: [kind, who, name, enabled, right, target_kind, target, target_name, since, until, source, place]
// parameter: right string =  | AllowedToDelegate, AllowedToAct or CoerceToTGT; empty: all three
MATCH (a:Account|`Group`|Server)-[c:CONTROLS]->(t:Server|Container)
WHERE c.`right` IN ['AllowedToDelegate', 'AllowedToAct', 'CoerceToTGT'] AND $right IN ['', c.`right`]
RETURN DISTINCT a.kind AS kind, a.key AS who, a.name AS name, a.enabled AS enabled, c.`right` AS right, t.kind AS target_kind, t.key AS target,
       t.name AS target_name, c.valid_from AS since, c.valid_until AS until, c.source AS source, c.place AS place
ORDER BY right, target, who, since, until, source, place
