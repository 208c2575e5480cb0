// title: What a start reaches in time, worked out in Cypher alone
// asks: incident lead
// question: What can be held, from when until when, if this is held from then until then? Found in the graph itself, without the kernel.
// columns: [reached, first, last, complete]
// engine: neo4j
// parameter: start string =  | key of what is held first
// parameter: since int = 0 | from when it is held (seconds since 1970 UTC)
// parameter: until int = 9007199254740991 | until when (exclusive); the default: for good
// parameter: rounds int = 40 | how often all steps are gone through; `complete` is false where that was not enough
MATCH (origin)
WHERE origin.key = $start
OPTIONAL MATCH (a)-[r:STEP]->(b)
WHERE r.vantage = 'at rest' AND r.noise <> 'noisy'
WITH origin, collect(CASE WHEN r IS NULL THEN null
  ELSE [a.key, b.key, coalesce(r.opens, -9007199254740991), coalesce(r.closes, 9007199254740991), r.hold] END) AS steps
// A hold is [key, from, until]. Each round takes every step from every hold so far; a hold within another of the same node adds nothing.
// A foothold lasts: nothing that was done against the attacker is looked at here.
WITH steps, reduce(known = [[$start, $since, $until]], turn IN range(1, $rounds) |
  reduce(held = known, s IN steps |
    reduce(found = held, h IN [h IN held WHERE h[0] = s[0] AND h[1] < s[3] AND s[2] < h[2] |
        [s[1], CASE WHEN h[1] > s[2] THEN h[1] ELSE s[2] END,
         CASE WHEN s[4] = 'foothold' THEN 9007199254740991 WHEN h[2] < s[3] THEN h[2] ELSE s[3] END]] |
      CASE WHEN h[1] >= h[2] OR any(k IN found WHERE k[0] = h[0] AND k[1] <= h[1] AND k[2] >= h[2]) THEN found ELSE found + [h] END))) AS held
WITH steps, held, all(s IN steps WHERE all(h IN held WHERE h[0] <> s[0] OR h[1] >= s[3] OR s[2] >= h[2] OR
  any(k IN held WHERE k[0] = s[1] AND k[1] <= CASE WHEN h[1] > s[2] THEN h[1] ELSE s[2] END AND
    k[2] >= CASE WHEN s[4] = 'foothold' THEN 9007199254740991 WHEN h[2] < s[3] THEN h[2] ELSE s[3] END))) AS complete
UNWIND held AS h
RETURN h[0] AS reached, min(h[1]) AS first, CASE WHEN max(h[2]) = 9007199254740991 THEN null ELSE max(h[2]) END AS last, complete
ORDER BY first, reached
