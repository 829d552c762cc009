"""gridward: the grid service of a county, from a walked grid to a closed case."""
