// id: read-key
// number: S27
// title: Take a key or certificate that a holder keeps
// sentence: {source} keeps, or can have issued, the key {target}
// needs: [KEEPS]
// hold: foothold
// profile: rights
// attack: [T1552.004, T1649]
// survives_reset: yes
// closes_with: Revoke the certificate and replace the key
// confirmed_by: [Windows 4886 / 4887 on the authority, Windows 70 in CAPI2/Operational (export of a key)]
// likelihood: low; ordinal hint of the step table, no study
// limits: Only what an analyst states (ways.csv): no export tells where keys lie. A key in a hardware module can be used from the server but not taken. What certificate templates of Active Directory allow is a step of its own (AD21).
MATCH (h:Account|`Group`|Server)-[k:KEEPS]->(s:Secret)
RETURN h.key AS source, s.key AS target, k.valid_from AS opens, k.valid_until AS closes, [k.fact] AS because
