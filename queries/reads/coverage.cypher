// What the sources saw.
MATCH (c:LogCoverage)
RETURN c.what AS what, c.scope AS scope, c.format AS format, c.first AS first, c.last AS last, c.collected AS collected,
       c.missing AS missing, c.capped AS capped, c.blind AS blind, c.complete AS complete, c.note AS note
