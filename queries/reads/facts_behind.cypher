// Where the facts behind a step were read; of a derived fact, what carries it.
MATCH (a)-[r]->(b)
WHERE r.fact IN $facts
RETURN r.fact AS fact, r.source AS source, r.place AS place, r.because AS because, r.reason AS reason,
       a.kind AS from_kind, a.key AS from_key, b.kind AS to_kind, b.key AS to_key
