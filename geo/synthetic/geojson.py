"""The synthetic county as GeoJSON: written, packed into one file, and read back.

Coordinates are lon, lat in EPSG:4490, which the ``crs`` member names (RFC 7946 knows no such
member and assumes WGS 84; GIS programs read it). Every feature says ``"synthetic": true``.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import shapely
from shapely import Polygon

from geo.codes import GridKind
from geo.data import COUNTY, resource
from geo.synthetic.model import (
    SyntheticArea,
    SyntheticCounty,
    SyntheticGrid,
    SyntheticMicroGrid,
)

Feature = dict[str, Any]

PACKED = f"synthetic-{COUNTY}.geojson.gz"
_CRS = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}


def load() -> SyntheticCounty:
    """The synthetic county that is shipped, the same as ``generate()`` draws, only sooner."""
    return unpack(resource(PACKED).read_bytes())


def write_layers(county: SyntheticCounty, folder: Path) -> list[Path]:
    """Write one GeoJSON file for each layer and all of them packed; the paths written.

    The folder is made if it is missing. Raises ``OSError``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for layer, features in layers(county).items():
        path = folder / f"{layer}.geojson"
        path.write_text(_collection(features) + "\n", encoding="utf-8")
        written.append(path)
    packed = folder / PACKED
    packed.write_bytes(pack(county))
    return [*written, packed]


def layers(county: SyntheticCounty) -> dict[str, list[Feature]]:
    """GeoJSON features by layer, from the county down."""
    return {
        "county": [_area_feature(county.county, "county")],
        "townships": [_area_feature(area, "townships") for area in county.townships],
        "villages": [_area_feature(area, "villages") for area in county.villages],
        "grids": [_grid_feature(grid, "grids") for grid in county.grids],
        "dedicated": [_grid_feature(grid, "dedicated") for grid in county.dedicated],
        "micro_grids": [_micro_feature(grid) for grid in county.micro_grids],
    }


def pack(county: SyntheticCounty) -> bytes:
    """All layers in one gzip-compressed GeoJSON document."""
    features = (feature for layer in layers(county).values() for feature in layer)
    return gzip.compress(_collection(features).encode(), mtime=0)


def unpack(packed: bytes) -> SyntheticCounty:
    """The county of a document made by ``pack``. Raises ``OSError`` and ``ValueError``."""
    by_layer: dict[str, list[Feature]] = {}
    for feature in json.loads(gzip.decompress(packed))["features"]:
        by_layer.setdefault(feature["properties"]["layer"], []).append(feature)
    (county,) = by_layer["county"]
    return SyntheticCounty(
        county=_area(county),
        townships=tuple(map(_area, by_layer["townships"])),
        villages=tuple(map(_area, by_layer["villages"])),
        grids=tuple(map(_grid, by_layer["grids"])),
        dedicated=tuple(map(_grid, by_layer["dedicated"])),
        micro_grids=tuple(map(_micro_grid, by_layer["micro_grids"])),
    )


def _collection(features: Iterable[Feature]) -> str:
    document = {"type": "FeatureCollection", "crs": _CRS, "features": list(features)}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _feature(layer: str, polygon: Polygon, properties: Mapping[str, Any]) -> Feature:
    rings: Sequence[Any] = [polygon.exterior, *polygon.interiors]
    return {
        "type": "Feature",
        "properties": {"layer": layer, "synthetic": True, **properties},
        "geometry": {
            "type": "Polygon",
            "coordinates": [shapely.get_coordinates(ring).tolist() for ring in rings],
        },
    }


def _area_feature(area: SyntheticArea, layer: str) -> Feature:
    return _feature(layer, area.geometry, {"code": area.code, "name": area.name})


def _grid_feature(grid: SyntheticGrid, layer: str) -> Feature:
    properties = {
        "village_code": grid.village_code,
        "kind": grid.kind.value,
        "name": grid.name,
        "households": grid.households,
    }
    return _feature(layer, grid.geometry, properties)


def _micro_feature(grid: SyntheticMicroGrid) -> Feature:
    properties = {
        "village_code": grid.village_code,
        "kind": "micro",
        "grid_name": grid.grid_name,
        "name": grid.name,
        "households": grid.households,
    }
    return _feature("micro_grids", grid.geometry, properties)


def _polygon(feature: Feature) -> Polygon:
    shell, *holes = feature["geometry"]["coordinates"]
    return Polygon(shell, holes)


def _area(feature: Feature) -> SyntheticArea:
    properties = feature["properties"]
    return SyntheticArea(properties["code"], properties["name"], _polygon(feature))


def _grid(feature: Feature) -> SyntheticGrid:
    properties = feature["properties"]
    return SyntheticGrid(
        village_code=properties["village_code"],
        kind=GridKind(properties["kind"]),
        name=properties["name"],
        households=properties["households"],
        geometry=_polygon(feature),
    )


def _micro_grid(feature: Feature) -> SyntheticMicroGrid:
    properties = feature["properties"]
    return SyntheticMicroGrid(
        village_code=properties["village_code"],
        grid_name=properties["grid_name"],
        name=properties["name"],
        households=properties["households"],
        geometry=_polygon(feature),
    )
