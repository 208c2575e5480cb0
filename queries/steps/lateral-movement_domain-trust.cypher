// id: domain-trust
// number: AD17
// title: Enter a domain that trusts a held one
// sentence: {source} is trusted by {target}, which accepts the identifiers that it forges
// needs: [TRUSTS]
// hold: foothold
// profile: rights
// attack: [T1134.005, T1482]
// survives_reset: yes
// closes_with: Filter identifiers at the trust, or end it; a forest is one thing: clean all its domains
// confirmed_by: [Windows 4769 across the trust, Windows 4765 / 4766]
// likelihood: low; ordinal hint of the step table, no study
// limits: Only trusts of which the source says that identifiers are not filtered. Across an outer trust only identifiers above 1000 pass, which is not looked at.
MATCH (e:Container)-[r:TRUSTS]->(d:Container)
WHERE r.filtered = false
RETURN d.key AS source, e.key AS target, r.valid_from AS opens, r.valid_until AS closes, [r.fact] AS because
