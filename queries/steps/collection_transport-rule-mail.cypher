// id: transport-rule-mail
// number: S22
// title: See the mail that a transport rule copies
// sentence: {source} copies the mail of {target} as it passes
// needs: [PASSES_THROUGH, HOSTS, FORWARDS_TO, APPLIES_TO, HAS_ADDRESS, MEMBER_OF, OWNS]
// hold: borrowed
// vantage: in transit
// profile: rights
// attack: [T1114.003]
// survives_reset: yes
// closes_with: Delete the transport rule; look at who may make such rules
// confirmed_by: [message trace]
// likelihood: low; ordinal hint of the step table, no study
// limits: Only rules that send copies or the mail itself elsewhere. One with conditions on what mail says may take any mailbox's, so all are counted; of one that names senders or recipients, just their mailboxes and those of direct members of groups that it names: what others exchange with an address outside is not.
MATCH (m:Mailbox)<-[h:HOSTS]-(s:Service)-[p:PASSES_THROUGH]->(r:Rule)
WHERE r.type = 'transport rule' AND coalesce(r.takes, '') <> 'some senders or recipients' AND EXISTS { MATCH (r)-[:FORWARDS_TO]->(:Correspondent) }
RETURN r.key AS source, m.key AS target,
       CASE WHEN h.valid_from IS NULL THEN p.valid_from WHEN p.valid_from IS NULL THEN h.valid_from WHEN h.valid_from > p.valid_from THEN h.valid_from ELSE p.valid_from END AS opens,
       CASE WHEN h.valid_until IS NULL THEN p.valid_until WHEN p.valid_until IS NULL THEN h.valid_until WHEN h.valid_until < p.valid_until THEN h.valid_until ELSE p.valid_until END AS closes,
       [h.fact, p.fact] AS because
UNION ALL
MATCH (:Service)-[p:PASSES_THROUGH]->(r:Rule)-[t:APPLIES_TO]->(:Correspondent)<-[k:HAS_ADDRESS]-(m:Mailbox)
WHERE r.type = 'transport rule' AND r.takes = 'some senders or recipients' AND EXISTS { MATCH (r)-[:FORWARDS_TO]->(:Correspondent) }
WITH r.key AS source, m.key AS target, p.fact AS f0, t.fact AS f1, k.fact AS f2, [p.valid_from, t.valid_from, k.valid_from] AS froms, [p.valid_until, t.valid_until, k.valid_until] AS untils
UNWIND froms AS since
WITH source, target, f0, f1, f2, untils, max(since) AS opens
UNWIND untils AS till
WITH source, target, f0, f1, f2, opens, min(till) AS closes
RETURN source, target, opens, closes, [f0, f1, f2] AS because
UNION ALL
MATCH (:Service)-[p:PASSES_THROUGH]->(r:Rule)-[t:APPLIES_TO]->(:`Group`)<-[e:MEMBER_OF]-(:Account)-[o:OWNS]->(m:Mailbox)
WHERE r.type = 'transport rule' AND r.takes = 'some senders or recipients' AND EXISTS { MATCH (r)-[:FORWARDS_TO]->(:Correspondent) }
WITH r.key AS source, m.key AS target, p.fact AS f0, t.fact AS f1, e.fact AS f2, o.fact AS f3, [p.valid_from, t.valid_from, e.valid_from, o.valid_from] AS froms, [p.valid_until, t.valid_until, e.valid_until, o.valid_until] AS untils
UNWIND froms AS since
WITH source, target, f0, f1, f2, f3, untils, max(since) AS opens
UNWIND untils AS till
WITH source, target, f0, f1, f2, f3, opens, min(till) AS closes
RETURN source, target, opens, closes, [f0, f1, f2, f3] AS because
