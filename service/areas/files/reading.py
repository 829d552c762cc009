"""One door to polygon files: the format is told by the content, never by a name."""

from __future__ import annotations

from pathlib import Path

import shapely

from service.areas.files.archive import unpack_shapefile
from service.areas.files.errors import EmptyFile, NoFeatures, TooManyVertices, UnsupportedFile
from service.areas.files.geojson import BOM, read_geojson
from service.areas.files.layer import Layer
from service.areas.files.limits import Limits
from service.areas.files.tables import read_geopackage, read_shapefile

ZIP = b"PK\x03\x04"
EMPTY_ZIP = b"PK\x05\x06"
SQLITE = b"SQLite format 3\0"


def read_layer(path: Path, layer: str | None, limits: Limits) -> Layer:
    """The features of the file at `path`; an archive is unpacked beside it.

    Raises FileRefused of one kind or another, and CrsUnknown.
    """
    with path.open("rb") as opened:
        head = opened.read(64)
    if not head:
        raise EmptyFile(pointer="/file")
    found = _read(path, head, layer, limits)
    if not found.features:
        raise NoFeatures(pointer="/file")
    _count_vertices(found, limits)
    return found


def _read(path: Path, head: bytes, layer: str | None, limits: Limits) -> Layer:
    if head.startswith((ZIP, EMPTY_ZIP)):
        return read_shapefile(unpack_shapefile(path, path.parent, limits), limits)
    if head.startswith(SQLITE):
        # GDAL looks at the name as well.
        return read_geopackage(path.rename(path.with_suffix(".gpkg")), layer, limits)
    if head.removeprefix(BOM).lstrip().startswith(b"{"):
        return read_geojson(path, limits)
    raise UnsupportedFile(pointer="/file")


def _count_vertices(layer: Layer, limits: Limits) -> None:
    count = int(shapely.get_num_coordinates([f.geometry for f in layer.features]).sum())
    if count > limits.vertices:
        raise TooManyVertices(count=count, limit=limits.vertices, pointer="/file")
