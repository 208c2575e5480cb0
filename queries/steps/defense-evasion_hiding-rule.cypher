// id: hiding-rule
// number: S08
// title: Keep a rule that hides mail from its owner
// sentence: {source} has the rule {target}, which hides what comes in
// needs: [PASSES_THROUGH]
// hold: foothold
// profile: rights
// attack: [T1564.008, T1070.008]
// survives_reset: yes
// closes_with: Delete the rule; look in the folders it moved mail to
// confirmed_by: [New-InboxRule, Set-InboxRule, UpdateInboxRules]
// likelihood: high; ordinal hint: once an account is used for fraud
// limits: Reaches nothing but the rule: it makes it less likely that warnings and answers are seen. Who made it, and whether what it hides matters, is not asked. Rules hidden from Get-InboxRule are not seen.
MATCH (m:Mailbox)-[p:PASSES_THROUGH]->(r:Rule)
WHERE r.hides AND (r.type IS NULL OR r.type <> 'transport rule')
RETURN m.key AS source, r.key AS target, p.valid_from AS opens, p.valid_until AS closes, [p.fact] AS because
