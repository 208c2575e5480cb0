// id: list-archive
// number: S29
// title: Read the archive of a mailing list
// sentence: {source} opens its archive {target}
// needs: [OWNS]
// hold: borrowed
// profile: rights
// attack: [T1114.002]
// survives_reset: no
// closes_with: Remove the subscription; tell whoever runs the list
// confirmed_by: [log of the list server]
// likelihood: high; ordinal hint: for lists of response teams
// limits: Only lists that an analyst states (ways.csv). The whole archive counts, from before the subscription too. Mail that is encrypted stays closed.
MATCH (g:`Group`)-[o:OWNS]->(m:Mailbox)
WHERE g.type = 'mailing list'
RETURN g.key AS source, m.key AS target, o.valid_from AS opens, o.valid_until AS closes, [o.fact] AS because
