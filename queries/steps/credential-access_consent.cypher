// id: consent
// number: S19
// title: Let an application in with the account's consent
// sentence: {source} consents to {target}, which keeps its access
// needs: [CONSENTED]
// hold: foothold
// profile: quiet
// attack: [T1528, T1671]
// survives_reset: yes
// closes_with: Remove the consent and its tokens; remove the application
// confirmed_by: [Consent to application, Add delegated permission grant]
// likelihood: medium; ordinal hint of the step table, no study
// limits: Only consents given while the account was held: whoever uses an application that was let in before does not hold it. A consent whose time no source gives is left out. Whose the application is is not asked.
MATCH (a:Account)-[c:CONSENTED]->(x:App)
WHERE c.valid_from IS NOT NULL
RETURN a.key AS source, x.key AS target, c.valid_from AS opens, c.valid_from + 1 AS closes, [c.fact] AS because
