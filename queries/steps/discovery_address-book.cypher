// id: address-book
// number: S17
// title: Read the address book
// sentence: {source} sees the address book of {target}
// needs: [HAS_ADDRESS, BELONGS_TO]
// hold: borrowed
// profile: quiet
// attack: [T1087.003]
// survives_reset: no
// closes_with: Nothing: what was read is known; narrow the address book by a policy
// confirmed_by: [download of the offline address book, Get-GlobalAddressList]
// likelihood: high; ordinal hint of the step table, no study
// limits: The organisation stands for its directory: names, addresses, groups and managers, and no right on any of them. A policy that narrows the address book is not seen.
MATCH (a:Account)-[h:HAS_ADDRESS]->(c:Correspondent)-[b:BELONGS_TO]->(o:Organisation)
WHERE c.internal AND coalesce(a.type, '') <> 'guest'
RETURN a.key AS source, o.key AS target,
       CASE WHEN h.valid_from IS NULL THEN b.valid_from WHEN b.valid_from IS NULL THEN h.valid_from WHEN h.valid_from > b.valid_from THEN h.valid_from ELSE b.valid_from END AS opens,
       CASE WHEN h.valid_until IS NULL THEN b.valid_until WHEN b.valid_until IS NULL THEN h.valid_until WHEN h.valid_until < b.valid_until THEN h.valid_until ELSE b.valid_until END AS closes,
       [h.fact, b.fact] AS because
