"""Cells of 0.02 degrees (about 2 km): positions as integers, for indexes that must be leakproof.

An integer compares leakproof, so an index on it serves a bounding box under row-level security,
where a GiST index on the geometry would be skipped. Positions are longitude, latitude in EPSG:4490.
"""

from __future__ import annotations

PER_DEGREE = 50
COLUMNS = 360 * PER_DEGREE


def cell_of(lon: float, lat: float) -> int:
    """The cell of a position."""
    return int((lat + 90) * PER_DEGREE) * COLUMNS + int((lon + 180) * PER_DEGREE)


def cells_of(west: float, south: float, east: float, north: float) -> list[int]:
    """All cells that a bounding box touches."""
    rows = range(int((south + 90) * PER_DEGREE), int((north + 90) * PER_DEGREE) + 1)
    first, last = int((west + 180) * PER_DEGREE), int((east + 180) * PER_DEGREE)
    return [row * COLUMNS + column for row in rows for column in range(first, last + 1)]


def cells_in(west: float, south: float, east: float, north: float) -> float:
    """How large a bounding box is, in cells."""
    return (east - west) * (north - south) * PER_DEGREE**2
