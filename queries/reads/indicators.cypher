// Signs of the attacker, as they were imported or marked.
MATCH (i:Indicator)
WHERE i.type IN ['ip', 'session', 'user agent', 'app', 'token']
RETURN i.key AS indicator, i.type AS type, i.value AS value, i.valid_from AS valid_from, i.valid_until AS valid_until
