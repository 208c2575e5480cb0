// The organisation of every address that has one.
MATCH (c:Correspondent)-[:BELONGS_TO]->(o:Organisation)
RETURN c.key AS address, o.name AS organisation, o.country AS organisation_country
