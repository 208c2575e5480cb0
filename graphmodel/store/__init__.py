"""The two graphs, views of the case folder: embedded (ladybug, the default) and Neo4j (by NEO4J_URI)."""
