"""How much a polygon file may be. A county of 1,500 grids has some 100,000 vertices."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """Bounds of one upload: counts, bytes, and what its examination may cost."""

    vertices: int = 2_000_000
    features: int = 20_000
    archive_members: int = 50
    unpacked_bytes: int = 300_000_000
    # Deflate reaches 1,032:1 on zeros; real Shapefiles with padded text stay below 200:1.
    ratio: int = 300
    ratio_from_bytes: int = 5_000_000
    seconds: int = 120
    memory_bytes: int = 4 << 30


LIMITS = Limits()
