"""Tools of the project itself: what makes the generated pages of the docs."""
