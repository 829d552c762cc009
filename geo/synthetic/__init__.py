"""A synthetic county inside a real outline: real codes and names, invented polygons.

``load`` reads the county that is shipped, ``generate`` draws one. What comes from here must be
labelled synthetic wherever it is shown.
"""

from __future__ import annotations

from geo.synthetic.generator import SEED, generate
from geo.synthetic.geojson import layers, load, pack, unpack, write_layers
from geo.synthetic.model import (
    SyntheticArea,
    SyntheticCounty,
    SyntheticGrid,
    SyntheticMicroGrid,
)

__all__ = [
    "SEED",
    "SyntheticArea",
    "SyntheticCounty",
    "SyntheticGrid",
    "SyntheticMicroGrid",
    "generate",
    "layers",
    "load",
    "pack",
    "unpack",
    "write_layers",
]
