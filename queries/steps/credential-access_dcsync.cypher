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
// limits: Both halves (GetChanges and GetChangesAll) must be held at once: by the same principal, or one or both through a group, or a group in a group, that has it. Halves in groups nested deeper than that, each on a way of its own, are not put together. All rights on a domain, and BloodHound's own DCSync, are both halves.
MATCH (a:Account|`Group`|Server)-[c:CONTROLS]->(d:Container)
WHERE c.`right` IN ['AllExtendedRights', 'DCSync'] AND d.type = 'domain'
RETURN a.key AS source, d.key AS target, c.valid_from AS opens, c.valid_until AS closes, [c.fact] AS because
UNION ALL
MATCH (a:Account|`Group`|Server)-[c:CONTROLS]->(d:Container)
WHERE c.`right` = 'GetChanges'
WITH DISTINCT a, d, c.fact AS c_fact, c.valid_from AS c_from, c.valid_until AS c_until
MATCH (a)-[e:CONTROLS]->(d)
WHERE e.`right` = 'GetChangesAll'
RETURN a.key AS source, d.key AS target,
       CASE WHEN c_from IS NULL THEN e.valid_from WHEN e.valid_from IS NULL THEN c_from WHEN c_from > e.valid_from THEN c_from ELSE e.valid_from END AS opens,
       CASE WHEN c_until IS NULL THEN e.valid_until WHEN e.valid_until IS NULL THEN c_until WHEN c_until < e.valid_until THEN c_until ELSE e.valid_until END AS closes,
       [c_fact, e.fact] AS because
UNION ALL
MATCH (a:Account|`Group`|Server)-[c:CONTROLS]->(d:Container)
WHERE c.`right` IN ['GetChanges', 'GetChangesAll']
WITH DISTINCT a, d, c.`right` AS own, c.fact AS c_fact, c.valid_from AS c_from, c.valid_until AS c_until
MATCH (a)-[m:MEMBER_OF]->(g:`Group`)
WITH DISTINCT a, d, own, c_fact, c_from, c_until, g, m.fact AS m_fact, m.valid_from AS m_from, m.valid_until AS m_until
MATCH (g)-[e:CONTROLS]->(d)
WHERE e.`right` IN ['GetChanges', 'GetChangesAll'] AND e.`right` <> own
WITH a.key AS source, d.key AS target, c_fact AS f0, m_fact AS f1, e.fact AS f2, [c_from, m_from, e.valid_from] AS froms, [c_until, m_until, e.valid_until] AS untils
UNWIND froms AS since
WITH source, target, f0, f1, f2, untils, max(since) AS opens
UNWIND untils AS till
WITH source, target, f0, f1, f2, opens, min(till) AS closes
RETURN source, target, opens, closes, [f0, f1, f2] AS because
UNION ALL
MATCH (g:`Group`)-[c:CONTROLS]->(d:Container)
WHERE c.`right` = 'GetChanges'
WITH DISTINCT g, d, c.fact AS c_fact, c.valid_from AS c_from, c.valid_until AS c_until
MATCH (h:`Group`)-[e:CONTROLS]->(d)
WHERE e.`right` = 'GetChangesAll' AND g.key <> h.key
WITH DISTINCT g, h, d, c_fact, c_from, c_until, e.fact AS e_fact, e.valid_from AS e_from, e.valid_until AS e_until
MATCH (g)<-[m:MEMBER_OF]-(a:Account|`Group`|Server)-[n:MEMBER_OF]->(h)
WITH a.key AS source, d.key AS target, m.fact AS f0, c_fact AS f1, n.fact AS f2, e_fact AS f3, [m.valid_from, c_from, n.valid_from, e_from] AS froms, [m.valid_until, c_until, n.valid_until, e_until] AS untils
UNWIND froms AS since
WITH source, target, f0, f1, f2, f3, untils, max(since) AS opens
UNWIND untils AS till
WITH source, target, f0, f1, f2, f3, opens, min(till) AS closes
RETURN source, target, opens, closes, [f0, f1, f2, f3] AS because
UNION ALL
MATCH (a:Account|`Group`|Server)-[c:CONTROLS]->(d:Container)
WHERE c.`right` IN ['GetChanges', 'GetChangesAll']
WITH DISTINCT a, d, c.`right` AS own, c.fact AS c_fact, c.valid_from AS c_from, c.valid_until AS c_until
MATCH (h:`Group`)-[e:CONTROLS]->(d)
WHERE e.`right` IN ['GetChanges', 'GetChangesAll'] AND e.`right` <> own AND h.key <> a.key
WITH DISTINCT a, d, h, c_fact, c_from, c_until, e.fact AS e_fact, e.valid_from AS e_from, e.valid_until AS e_until
MATCH (a)-[m:MEMBER_OF]->(k:`Group`)-[n:MEMBER_OF]->(h)
WITH a.key AS source, d.key AS target, [c_fact, m.fact, n.fact, e_fact] AS because, [c_from, m.valid_from, n.valid_from, e_from] AS froms, [c_until, m.valid_until, n.valid_until, e_until] AS untils
UNWIND froms AS since
WITH source, target, because, untils, max(since) AS opens
UNWIND untils AS till
WITH source, target, because, opens, min(till) AS closes
RETURN source, target, opens, closes, because
UNION ALL
MATCH (g:`Group`)-[c:CONTROLS]->(d:Container)
WHERE c.`right` IN ['GetChanges', 'GetChangesAll']
WITH DISTINCT g, d, c.`right` AS own, c.fact AS c_fact, c.valid_from AS c_from, c.valid_until AS c_until
MATCH (h:`Group`)-[e:CONTROLS]->(d)
WHERE e.`right` IN ['GetChanges', 'GetChangesAll'] AND e.`right` <> own AND g.key <> h.key
WITH DISTINCT g, h, d, c_fact, c_from, c_until, e.fact AS e_fact, e.valid_from AS e_from, e.valid_until AS e_until
MATCH (h)<-[q:MEMBER_OF]-(l:`Group`)
WITH DISTINCT g, l, d, c_fact, c_from, c_until, e_fact, e_from, e_until, q.fact AS q_fact, q.valid_from AS q_from, q.valid_until AS q_until
MATCH (g)<-[m:MEMBER_OF]-(a:Account|`Group`|Server)-[n:MEMBER_OF]->(l)
WITH a, g, l, d, c_fact, c_from, c_until, e_fact, e_from, e_until, q_fact, q_from, q_until, m.fact AS m_fact, m.valid_from AS m_from, m.valid_until AS m_until, n.fact AS n_fact, n.valid_from AS n_from, n.valid_until AS n_until
WHERE g.key <> l.key
WITH a.key AS source, d.key AS target, [m_fact, c_fact, n_fact, q_fact, e_fact] AS because, [m_from, c_from, n_from, q_from, e_from] AS froms, [m_until, c_until, n_until, q_until, e_until] AS untils
UNWIND froms AS since
WITH source, target, because, untils, max(since) AS opens
UNWIND untils AS till
WITH source, target, because, opens, min(till) AS closes
RETURN source, target, opens, closes, because
UNION ALL
MATCH (g:`Group`)-[c:CONTROLS]->(d:Container)
WHERE c.`right` = 'GetChanges'
WITH DISTINCT g, d, c.fact AS c_fact, c.valid_from AS c_from, c.valid_until AS c_until
MATCH (h:`Group`)-[e:CONTROLS]->(d)
WHERE e.`right` = 'GetChangesAll' AND g.key <> h.key
WITH DISTINCT g, h, d, c_fact, c_from, c_until, e.fact AS e_fact, e.valid_from AS e_from, e.valid_until AS e_until
MATCH (g)<-[p:MEMBER_OF]-(k:`Group`)
WITH DISTINCT k, h, d, c_fact, c_from, c_until, e_fact, e_from, e_until, p.fact AS p_fact, p.valid_from AS p_from, p.valid_until AS p_until
MATCH (h)<-[q:MEMBER_OF]-(l:`Group`)
WITH DISTINCT k, l, d, c_fact, c_from, c_until, e_fact, e_from, e_until, p_fact, p_from, p_until, q.fact AS q_fact, q.valid_from AS q_from, q.valid_until AS q_until
WHERE k.key <> l.key
MATCH (k)<-[m:MEMBER_OF]-(a:Account|`Group`|Server)-[n:MEMBER_OF]->(l)
WITH a.key AS source, d.key AS target, [m.fact, p_fact, c_fact, n.fact, q_fact, e_fact] AS because, [m.valid_from, p_from, c_from, n.valid_from, q_from, e_from] AS froms, [m.valid_until, p_until, c_until, n.valid_until, q_until, e_until] AS untils
UNWIND froms AS since
WITH source, target, because, untils, max(since) AS opens
UNWIND untils AS till
WITH source, target, because, opens, min(till) AS closes
RETURN source, target, opens, closes, because
