// title: What transport rules take and whom they copy it to
// asks: Exchange administrator
// question: Which transport rules send mail, or copies of it, to whom, inside or outside, and of how much mail: all, that of some senders or
//   recipients (`named`: how many the rule names), or under conditions?
// columns: [rule, name, enabled, takes, named, conditions, target, internal, resembles, keeps_copy, since, until, source, place]
// parameter: rule string =  | name or key of the rule; empty: all
MATCH (r:Rule)-[f:FORWARDS_TO]->(c:Correspondent)
WHERE r.type = 'transport rule' AND toLower($rule) IN ['', toLower(r.key), toLower(r.name)]
OPTIONAL MATCH (r)-[:APPLIES_TO]->(x:Correspondent|`Group`)
RETURN r.key AS rule, r.name AS name, r.enabled AS enabled, r.takes AS takes, count(DISTINCT x.key) AS named, r.conditions AS conditions,
       c.key AS target, c.internal AS internal, c.looks_like AS resembles, f.keeps_copy AS keeps_copy,
       f.valid_from AS since, f.valid_until AS until, f.source AS source, f.place AS place
ORDER BY rule, target, since, until, source, place, keeps_copy
