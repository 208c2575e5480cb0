// id: app-consent
// number: S19
// title: Let an application in by consent
// sentence: {source} gave {target} access to its data while it was held
// needs: [CONSENTED]
// hold: foothold
// attack: [T1528, T1671]
// survives_reset: yes
// closes_with: Remove the grant, and the application where nobody needs it
// confirmed_by: [Consent to application, Add delegated permission grant]
// limits: Only a consent whose moment is known counts, and only for whoever held the account at that moment; older ones are the owner's own.
MATCH (a:Account)-[c:CONSENTED]->(x:App)
WHERE c.valid_from IS NOT NULL
RETURN a.key AS source, x.key AS target, c.valid_from AS opens, c.valid_from + 1 AS closes, [c.fact] AS because
