// id: exchange-administrator
// number: S21
// title: Give oneself any mailbox of a mail system
// sentence: {source} may give itself any mailbox of {target}
// needs: [HAS_ROLE, ADMIN_TO]
// hold: borrowed
// profile: rights
// attack: [T1098.002, T1078.002, T1078.004]
// survives_reset: no
// closes_with: Remove the role; look for rights it gave meanwhile
// confirmed_by: [Add-MailboxPermission, Add-RoleGroupMember, New-ManagementRoleAssignment, MailItemsAccessed by an administrator]
// likelihood: low; ordinal hint: rare, of the widest reach
// limits: Custom management scopes narrow a role; exports of the role groups do not show them.
MATCH (a:Account|`Group`|App)-[h:HAS_ROLE]->(r:Role)-[d:ADMIN_TO]->(s:Service)
WHERE s.type = 'mail system'
RETURN a.key AS source, s.key AS target,
       CASE WHEN h.valid_from IS NULL THEN d.valid_from WHEN d.valid_from IS NULL THEN h.valid_from WHEN h.valid_from > d.valid_from THEN h.valid_from ELSE d.valid_from END AS opens,
       CASE WHEN h.valid_until IS NULL THEN d.valid_until WHEN d.valid_until IS NULL THEN h.valid_until WHEN h.valid_until < d.valid_until THEN h.valid_until ELSE d.valid_until END AS closes,
       [h.fact, d.fact] AS because
