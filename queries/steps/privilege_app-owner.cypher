// id: app-owner
// number: S20
// title: Take over an application as its owner
// sentence: {source} owns {target} and may give it a secret of its own
// needs: [OWNS]
// hold: foothold
// profile: rights
// attack: [T1098.001, T1078.004]
// survives_reset: yes
// closes_with: Remove the owner; remove every secret and certificate of the application that was added meanwhile
// confirmed_by: [Add service principal credentials, Update application - Certificates and secrets management, service principal sign-in]
// likelihood: low; ordinal hint of the step table, no study
// limits: Administrators of applications may do the same without owning one: another step. A lock on the application's properties can forbid it.
MATCH (a:Account)-[o:OWNS]->(x:App)
RETURN a.key AS source, x.key AS target, o.valid_from AS opens, o.valid_until AS closes, [o.fact] AS because
