"""What crosses the wire for areas, grids, positions, delineations and changes."""
