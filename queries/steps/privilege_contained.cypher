// id: contained
// number: AD14
// title: Give oneself rights on all that a held container contains
// sentence: {source} contains {target}, which takes over the rights given on it
// needs: [CONTAINS]
// hold: foothold
// profile: rights
// attack: [T1222.001, T1098]
// survives_reset: yes
// closes_with: Remove the right on the container and what was inherited from it
// confirmed_by: [Windows 5136 of nTSecurityDescriptor on the container]
// likelihood: low; ordinal hint of the step table, no study
// limits: What takes over no rights (administrators that the directory protects, objects with inheritance switched off) is left out; where the source does not say, it is taken to inherit.
MATCH (o:Container)-[k:CONTAINS]->(t:Account|`Group`|Server|Container)
WHERE k.inherits IS NULL OR k.inherits
RETURN o.key AS source, t.key AS target, k.valid_from AS opens, k.valid_until AS closes, [k.fact] AS because
