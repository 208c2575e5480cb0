// id: chat
// number: S30
// title: Read chats and meetings
// sentence: {source} reads chats and meetings in {target}
// needs: [SIGNS_IN_TO, OBSERVED]
// hold: borrowed
// profile: rights
// attack: [T1213.005, T1552.008]
// survives_reset: no
// closes_with: Revoke sessions and tokens; change the password; make new links for meetings that are to come
// confirmed_by: [MessagesListed, MeetingDetail, ChatRetrieved]
// likelihood: medium; ordinal hint of the step table, no study
// limits: Only accounts that are said to use it (access.csv, right chat), or that a log saw there, from then on. Messages of chats are not read, so what they held is not known. Links and dial-in numbers in invitations stand in the mailbox and work for whoever has them.
MATCH (a:Account|`Group`)-[r:SIGNS_IN_TO]->(s:Service)
WHERE r.via = 'chat'
RETURN a.key AS source, s.key AS target, r.valid_from AS opens, r.valid_until AS closes, [r.fact] AS because
UNION ALL
MATCH (o:Observation)-[r:OBSERVED]->(s:Service)
WHERE s.type = 'chat' AND r.role = 'target' AND o.at IS NOT NULL AND coalesce(o.succeeded, true)
WITH DISTINCT o, s
MATCH (o)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor'
WITH a, s, min(o.at) AS first
MATCH (o:Observation)-[r:OBSERVED]->(s)
WHERE r.role = 'target' AND o.at = first AND coalesce(o.succeeded, true)
WITH DISTINCT a, s, first, o, r.fact AS about
MATCH (o)-[w:OBSERVED]->(a)
WHERE w.role = 'actor'
RETURN a.key AS source, s.key AS target, first AS opens, w.valid_until AS closes, [w.fact, about] AS because
