// id: everyone
// number: S09
// title: Hold what everybody in the organisation was given
// sentence: {source} is one of those that {target} names
// needs: [FOLDER_RIGHT, HOSTS, OWNS, HAS_ADDRESS, BELONGS_TO]
// hold: borrowed
// profile: rights
// taken: by itself
// attack: [T1098.002]
// survives_reset: no
// closes_with: Set the rights of Default and Anonymous to None
// confirmed_by: [Get-MailboxFolderPermission]
// likelihood: certain; it is a membership
// limits: Everybody is who owns a mailbox of the same mail system, or has an address of the same organisation, but guests. Which rights Default had before the export is not known.
MATCH (g:`Group`)-[f:FOLDER_RIGHT]->(:Mailbox)<-[p:HOSTS]-(s:Service)
WHERE g.name IN ['Everyone (Default)', 'Everyone, without signing in (Anonymous)'] AND s.type = 'mail system'
WITH g, s, min(f.fact) AS given, min(p.fact) AS there
MATCH (s)-[h:HOSTS]->(:Mailbox)<-[o:OWNS]-(a:Account)
WHERE coalesce(a.type, '') <> 'guest'
RETURN a.key AS source, g.key AS target,
       CASE WHEN h.valid_from IS NULL THEN o.valid_from WHEN o.valid_from IS NULL THEN h.valid_from WHEN h.valid_from > o.valid_from THEN h.valid_from ELSE o.valid_from END AS opens,
       CASE WHEN h.valid_until IS NULL THEN o.valid_until WHEN o.valid_until IS NULL THEN h.valid_until WHEN h.valid_until < o.valid_until THEN h.valid_until ELSE o.valid_until END AS closes,
       [o.fact, h.fact, there, given] AS because
UNION ALL
MATCH (g:`Group`)-[f:FOLDER_RIGHT]->(:Mailbox)-[k:HAS_ADDRESS]->(:Correspondent)-[q:BELONGS_TO]->(z:Organisation)
WHERE g.name IN ['Everyone (Default)', 'Everyone, without signing in (Anonymous)']
WITH g, z, min(f.fact) AS given, min(k.fact) AS there, min(q.fact) AS domain
MATCH (z)<-[b:BELONGS_TO]-(c:Correspondent)<-[h:HAS_ADDRESS]-(a:Account)
WHERE c.internal AND coalesce(a.type, '') <> 'guest'
RETURN a.key AS source, g.key AS target,
       CASE WHEN h.valid_from IS NULL THEN b.valid_from WHEN b.valid_from IS NULL THEN h.valid_from WHEN h.valid_from > b.valid_from THEN h.valid_from ELSE b.valid_from END AS opens,
       CASE WHEN h.valid_until IS NULL THEN b.valid_until WHEN b.valid_until IS NULL THEN h.valid_until WHEN h.valid_until < b.valid_until THEN h.valid_until ELSE b.valid_until END AS closes,
       [h.fact, b.fact, domain, there, given] AS because
