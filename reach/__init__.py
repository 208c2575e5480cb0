"""Time-respecting reach with holds that end: pure functions on arrays, no database, no I/O."""
