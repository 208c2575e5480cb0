// Some log records, by key: what was done, from where and by what.
MATCH (o:Observation)
WHERE o.key IN $keys
RETURN o.key AS observation, o.at AS at, o.operation AS operation, o.ip AS ip, o.session AS session, o.token AS token,
       o.user_agent AS user_agent, o.app AS app
