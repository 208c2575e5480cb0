// id: forwarding-rule
// number: S07
// title: Keep a forwarding rule of a held mailbox
// sentence: {source} has the forwarding {target}, which goes on copying its mail
// needs: [PASSES_THROUGH, FORWARDS_TO]
// hold: foothold
// profile: rights
// attack: [T1114.003, T1020]
// survives_reset: yes
// closes_with: Delete the rule or the forwarding
// confirmed_by: [New-InboxRule, Set-InboxRule, UpdateInboxRules, Set-Mailbox]
// likelihood: high; ordinal hint: forwarding is usual in business e-mail compromise
// limits: Where the rule leads is not asked here: it may be an address of no use to the attacker. Rules hidden from Get-InboxRule are not seen. Rules that could be made but were not are not counted. A transport rule is the administrators', not the mailbox's. One that only hides mail is another step.
MATCH (m:Mailbox)-[p:PASSES_THROUGH]->(r:Rule)
WHERE (r.type IS NULL OR r.type <> 'transport rule')
  AND NOT (coalesce(r.hides, false) AND NOT EXISTS { MATCH (r)-[:FORWARDS_TO]->(:Correspondent) })
RETURN m.key AS source, r.key AS target, p.valid_from AS opens, p.valid_until AS closes, [p.fact] AS because
