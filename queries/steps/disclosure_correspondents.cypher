// id: correspondents
// number: S16
// title: Learn who exchanged mail with a held mailbox
// sentence: {source} discloses {target}
// needs: [CORRESPONDED]
// hold: borrowed
// profile: rights
// attack: [T1589.002, T1591, T1114]
// survives_reset: yes
// closes_with: Nothing: what was read is known; tell the correspondent
// confirmed_by: [as for the mailbox]
// likelihood: certain; follows from the message
// limits: Addresses in headers only; people named in a text are not seen.
MATCH (m:Mailbox)-[r:CORRESPONDED]->(c:Correspondent)
RETURN m.key AS source, c.key AS target, r.valid_from AS opens, r.valid_until AS closes, [r.fact] AS because
