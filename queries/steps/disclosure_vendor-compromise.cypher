// id: vendor-compromise
// number: S15
// title: Go on with a thread and deceive who is outside
// sentence: {source} has the threads by which {target} can be deceived
// needs: [CORRESPONDED]
// hold: foothold
// profile: noisy
// attack: [T1199, T1566, T1656, T1586.002, T1657]
// survives_reset: yes
// closes_with: Nothing: the thread is known; warn the correspondent, and agree on another way to check
// confirmed_by: [message trace, report of the correspondent]
// likelihood: medium; 44 % of such mails that were read were answered or passed on (Abnormal 2025, a vendor's data)
// limits: An answer is not a compromise. Plausibility fades with time, which is not counted.
MATCH (m:Mailbox)-[r:CORRESPONDED]->(c:Correspondent)
WHERE NOT coalesce(c.internal, false)
RETURN m.key AS source, c.key AS target, r.valid_from AS opens, r.valid_until AS closes, [r.fact] AS because
