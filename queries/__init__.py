"""Cypher and its catalogue: attack steps under steps/, questions under saved/. One file each; the folder is the registry."""
