// step: chat
// title: Chats and meetings read, in the audit log
// logs: [audit log]
// scope: source
// limits: Reading in the client itself is not recorded: these records are of programs that ask for messages, and of licences that record it.
MATCH (o:Observation)-[w:OBSERVED]->(a:Account)
WHERE w.role = 'actor' AND o.operation IN ['MessagesListed', 'ChatRetrieved', 'MessageRead', 'MessageHostedContentRead', 'MessageHostedContentsListed', 'MeetingDetail', 'MeetingParticipantDetail']
WITH DISTINCT o, a
MATCH (o)-[r:OBSERVED]->(s:Service)
WHERE r.role = 'target' AND s.type = 'chat'
RETURN DISTINCT a.key AS source, s.key AS target, o.key AS observation
