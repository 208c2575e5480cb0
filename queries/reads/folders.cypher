// Which folder a folder right opens.
MATCH (a)-[f:FOLDER_RIGHT]->(m:Mailbox)
RETURN f.fact AS fact, f.folder AS folder
