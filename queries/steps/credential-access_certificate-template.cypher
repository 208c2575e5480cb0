// id: certificate-template
// number: AD21
// title: Get a certificate in the name of anybody
// sentence: {source} can have a certificate issued in the name of anybody in {target}
// needs: [CONTROLS]
// hold: foothold
// profile: rights
// attack: [T1649]
// survives_reset: yes
// closes_with: Mend the template or the authority; revoke the certificates that it gave
// confirmed_by: [Windows 4886 / 4887 on the authority, Windows 4768 with a certificate]
// likelihood: low; ordinal hint of the step table, no study
// limits: Only what BloodHound concluded (ADCSESC…, GoldenCert) is followed; templates and authorities themselves are not read.
MATCH (a:Account|`Group`|Server)-[c:CONTROLS]->(t:Container)
WHERE c.`right` STARTS WITH 'ADCSESC' OR c.`right` = 'GoldenCert'
RETURN a.key AS source, t.key AS target, c.valid_from AS opens, c.valid_until AS closes, [c.fact] AS because
