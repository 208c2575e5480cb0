"""From answers to things people read: blast radius, disclosure, coverage. Pure: a store in, plain data out."""
