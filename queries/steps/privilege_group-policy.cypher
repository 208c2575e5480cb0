// id: group-policy
// number: AD16
// title: Run a program on all to which a held group policy applies
// sentence: {source} applies to {target}, which runs what it says
// needs: [LINKED_TO, CONTAINS]
// hold: foothold
// profile: rights
// attack: [T1484.001]
// survives_reset: yes
// closes_with: Restore the policy; reimage the servers and reset the accounts to which it applied
// confirmed_by: [Windows 5136 of the policy, changes under SYSVOL]
// likelihood: low; ordinal hint of the step table, no study
// limits: Security filters and WMI filters, which narrow a policy, are not seen. Whoever may only link policies to a unit (WriteGPLink) needs one of his own too, which is not put together.
MATCH (p:Container)-[l:LINKED_TO]->(o:Container)-[k:CONTAINS]->(t:Account|Server)
RETURN p.key AS source, t.key AS target,
       CASE WHEN l.valid_from IS NULL THEN k.valid_from WHEN k.valid_from IS NULL THEN l.valid_from WHEN l.valid_from > k.valid_from THEN l.valid_from ELSE k.valid_from END AS opens,
       CASE WHEN l.valid_until IS NULL THEN k.valid_until WHEN k.valid_until IS NULL THEN l.valid_until WHEN l.valid_until < k.valid_until THEN l.valid_until ELSE k.valid_until END AS closes,
       [l.fact, k.fact] AS because
