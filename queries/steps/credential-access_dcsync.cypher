// id: dcsync
// number: AD09
// title: Copy the secrets of a domain as a domain controller would
// sentence: {source} may copy every secret of the domain {target}
// needs: [CONTROLS, MEMBER_OF]
// hold: foothold
// profile: rights
// attack: [T1003.006]
// survives_reset: yes
// closes_with: Remove one of the two rights; reset krbtgt twice and every account of the domain
// confirmed_by: [Windows 4662 with the replication rights]
// likelihood: low; ordinal hint of the step table, no study
// limits: Both halves (GetChanges and GetChangesAll) must be held at once: by the same principal, or one or both through groups of which it is a direct member. Halves in groups nested deeper than that, each in another one, are not put together.
MATCH (a:Account|`Group`|Server)-[c:CONTROLS]->(d:Container)
WHERE c.`right` = 'AllExtendedRights' AND d.type = 'domain'
RETURN a.key AS source, d.key AS target, c.valid_from AS opens, c.valid_until AS closes, [c.fact] AS because
UNION ALL
MATCH (a:Account|`Group`|Server)-[c:CONTROLS]->(d:Container), (a)-[e:CONTROLS]->(d)
WHERE c.`right` = 'GetChanges' AND e.`right` = 'GetChangesAll'
RETURN a.key AS source, d.key AS target,
       CASE WHEN c.valid_from IS NULL THEN e.valid_from WHEN e.valid_from IS NULL THEN c.valid_from WHEN c.valid_from > e.valid_from THEN c.valid_from ELSE e.valid_from END AS opens,
       CASE WHEN c.valid_until IS NULL THEN e.valid_until WHEN e.valid_until IS NULL THEN c.valid_until WHEN c.valid_until < e.valid_until THEN c.valid_until ELSE e.valid_until END AS closes,
       [c.fact, e.fact] AS because
UNION ALL
MATCH (a:Account|`Group`|Server)-[c:CONTROLS]->(d:Container), (a)-[m:MEMBER_OF]->(g:`Group`)-[e:CONTROLS]->(d)
WHERE c.`right` IN ['GetChanges', 'GetChangesAll'] AND e.`right` IN ['GetChanges', 'GetChangesAll'] AND c.`right` <> e.`right`
WITH a.key AS source, d.key AS target, c.fact AS f0, m.fact AS f1, e.fact AS f2, [c.valid_from, m.valid_from, e.valid_from] AS froms, [c.valid_until, m.valid_until, e.valid_until] AS untils
UNWIND froms AS since
WITH source, target, f0, f1, f2, untils, max(since) AS opens
UNWIND untils AS till
WITH source, target, f0, f1, f2, opens, min(till) AS closes
RETURN source, target, opens, closes, [f0, f1, f2] AS because
UNION ALL
MATCH (a:Account|`Group`|Server)-[m:MEMBER_OF]->(g:`Group`)-[c:CONTROLS]->(d:Container), (a)-[n:MEMBER_OF]->(h:`Group`)-[e:CONTROLS]->(d)
WHERE c.`right` = 'GetChanges' AND e.`right` = 'GetChangesAll' AND g.key <> h.key
WITH a.key AS source, d.key AS target, m.fact AS f0, c.fact AS f1, n.fact AS f2, e.fact AS f3, [m.valid_from, c.valid_from, n.valid_from, e.valid_from] AS froms, [m.valid_until, c.valid_until, n.valid_until, e.valid_until] AS untils
UNWIND froms AS since
WITH source, target, f0, f1, f2, f3, untils, max(since) AS opens
UNWIND untils AS till
WITH source, target, f0, f1, f2, f3, opens, min(till) AS closes
RETURN source, target, opens, closes, [f0, f1, f2, f3] AS because
