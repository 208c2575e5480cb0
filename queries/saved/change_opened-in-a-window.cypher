// title: What was opened to whom in a window of time
// asks: incident lead
// question: Which rights, rules, consents and other ways in began within the window: who got what, by which step? Only what has a known
//   beginning comes; an export tells none, so silence means nothing there.
// columns: [opens, closes, step, from_kind, from, to_kind, to, name]
// parameter: since int = 0 | from when (seconds since 1970 UTC)
// parameter: until int = 0 | until when (exclusive); 0: without end
// parameter: step string =  | id of a step (hakyu steps); empty: all
// parameter: top int = 1000 | how many rows
MATCH (a)-[s:STEP]->(b)
WHERE s.opens >= $since AND ($until = 0 OR s.opens < $until) AND $step IN ['', s.rule] AND s.noise <> 'noisy'
  AND s.rule <> 'same-identity'
RETURN DISTINCT s.opens AS opens, s.closes AS closes, s.rule AS step, a.kind AS from_kind, a.key AS `from`,
       b.kind AS to_kind, b.key AS `to`, b.name AS name
ORDER BY opens, step, `from`, `to`, closes
LIMIT $top
