// Every address and what is known of it.
MATCH (c:Correspondent)
RETURN c.key AS address, c.name AS name, c.internal AS internal, c.person AS person, c.country AS country,
       c.country_basis AS country_basis, c.category AS category, c.warned_at AS warned_at
