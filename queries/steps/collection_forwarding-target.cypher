// id: forwarding-target
// number: S07
// title: Mail goes on to the address of a forwarding
// sentence: {source} sends copies to {target}
// needs: [FORWARDS_TO]
// hold: borrowed
// profile: rights
// attack: [T1114.003]
// survives_reset: yes
// closes_with: Delete the rule or the forwarding
// confirmed_by: [message trace]
// likelihood: high; ordinal hint: forwarding is usual in business e-mail compromise
// limits: External auto-forwarding may be blocked by an outbound policy that no export shows.
MATCH (r:Rule)-[f:FORWARDS_TO]->(c:Correspondent)
RETURN r.key AS source, c.key AS target, f.valid_from AS opens, f.valid_until AS closes, [f.fact] AS because
