"""From a file to facts: pure, no database, no clock, no network. One module a format under formats/."""
