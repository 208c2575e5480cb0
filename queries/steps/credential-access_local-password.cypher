// id: local-password
// number: AD12
// title: Read the password of a server's local administrator
// sentence: {source} may read the local administrator's password of {target}
// needs: [CONTROLS]
// hold: foothold
// profile: rights
// attack: [T1555, T1078.003]
// survives_reset: yes
// closes_with: Remove the right; let the password be changed; reimage the server
// confirmed_by: [Windows 4662 of ms-Mcs-AdmPwd or msLAPS-Password, Windows 4624 type 3 of the local administrator]
// likelihood: medium; ordinal hint of the step table, no study
// limits: SharpHound names all extended rights on a computer only where a local password is kept. SyncLAPSPassword out of GetChanges and GetChangesInFilteredSet is not put together.
MATCH (a:Account|`Group`|Server)-[c:CONTROLS]->(t:Server)
WHERE c.through IS NULL AND c.`right` IN ['ReadLAPSPassword', 'SyncLAPSPassword', 'AllExtendedRights']
RETURN a.key AS source, t.key AS target, c.valid_from AS opens, c.valid_until AS closes, [c.fact] AS because
