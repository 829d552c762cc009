"""Public data of county 511723, shipped with the package; SOURCES.md names where each is from."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from importlib.resources.abc import Traversable

from shapely import Polygon

from geo.divisions import Level

COUNTY = "511723"
DIVISIONS_AS_OF = date(2023, 6, 30)


@dataclass(frozen=True, slots=True)
class Division:
    """A real county, township or village: its code of 6, 9 or 12 digits and its name."""

    code: str
    level: Level
    name: str


def resource(name: str) -> Traversable:
    """A file of this folder, readable also when the package is installed as an archive."""
    return files(__name__).joinpath(name)


def divisions() -> tuple[Division, ...]:
    """The county, its 13 townships and its 162 villages, as of ``DIVISIONS_AS_OF``.

    Ordered county, townships, villages, each level by code.
    """
    rows = csv.DictReader(_text(f"divisions-{COUNTY}.csv").splitlines())
    return tuple(Division(row["code"], Level(row["level"]), row["name"]) for row in rows)


def outline() -> Polygon:
    """The real outline of the county, a single ring without holes in EPSG:4490 (lon, lat)."""
    (feature,) = json.loads(_text(f"outline-{COUNTY}.geojson"))["features"]
    ((ring,),) = feature["geometry"]["coordinates"]
    return Polygon(ring)


def _text(name: str) -> str:
    return resource(name).read_text(encoding="utf-8")
