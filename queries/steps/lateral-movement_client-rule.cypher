// id: client-rule
// number: S32
// title: Run a program where a mailbox is opened
// sentence: {source} runs a program on {target}, where its owner opens the mailbox
// needs: [PASSES_THROUGH, OWNS, SESSION_ON]
// hold: foothold
// profile: quiet
// attack: [T1137.005, T1137.003, T1137.004]
// survives_reset: yes
// closes_with: Delete the rule, form or home page; reimage the computer
// confirmed_by: [endpoint detection]
// likelihood: low; patched in the clients of today
// limits: Only rules, forms and home pages that an analyst states (ways.csv): no export shows what a rule of the client starts. Where a session was seen, the mailbox is taken to be opened with an old client.
MATCH (h:Server)<-[s:SESSION_ON]-(a:Account)-[o:OWNS]->(m:Mailbox)-[p:PASSES_THROUGH]->(r:Rule)
WHERE r.runs
WITH r.key AS source, h.key AS target, p.fact AS f0, o.fact AS f1, s.fact AS f2, [p.valid_from, o.valid_from, s.valid_from] AS froms, [p.valid_until, o.valid_until, s.valid_until] AS untils
UNWIND froms AS since
WITH source, target, f0, f1, f2, untils, max(since) AS opens
UNWIND untils AS till
WITH source, target, f0, f1, f2, opens, min(till) AS closes
RETURN source, target, opens, closes, [f0, f1, f2] AS because
