// What log records say of who did it and from where; failed attempts are left out.
MATCH (o:Observation)
WHERE o.at IS NOT NULL AND (o.succeeded IS NULL OR o.succeeded)
RETURN o.key AS observation, o.at AS at, o.ip AS ip, o.session AS session, o.token AS token, o.user_agent AS user_agent, o.app AS app
