"""One module a format; the registry finds them here. None imports another."""
