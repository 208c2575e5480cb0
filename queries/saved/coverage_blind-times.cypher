// title: When the logs saw nothing
// asks: incident lead
// question: In which times was a log blind (throttled, switched off, lost), and of which part? What happened then can be neither confirmed nor
//   ruled out.
// columns: [what, scope, format, first, last, note]
// parameter: what string =  | kind of log (mail access, audit log, sign-ins, logons …); empty: all
// parameter: since int = 0 | from when (seconds since 1970 UTC)
// parameter: until int = 0 | until when (exclusive); 0: without end
MATCH (c:LogCoverage)
WHERE c.blind AND $what IN ['', c.what] AND (c.last IS NULL OR c.last >= $since) AND ($until = 0 OR c.first IS NULL OR c.first < $until)
RETURN c.what AS what, c.scope AS scope, c.format AS format, c.first AS first, c.last AS last, c.note AS note
ORDER BY what, scope, first, last, format, note, c.key
