"""What the graph is: kinds, facts, identity, the case folder and the two stores. Imports nothing else of ours."""
