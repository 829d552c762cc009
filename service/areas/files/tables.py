"""Reading GeoPackages and Shapefiles through GDAL."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pyogrio.raw
import shapely
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj import CRS
from pyproj.exceptions import CRSError

from service.areas.files.errors import (
    BadEncoding,
    CrsNotConvertible,
    LayerAmbiguous,
    LayerUnknown,
    NoFeatures,
    TooManyFeatures,
    TooManyVertices,
    UnreadableFile,
)
from service.areas.files.layer import Layer, RawFeature
from service.areas.files.limits import Limits

BYTES_PER_VERTEX = 16
GBK_DRIVER_IDS = {0x4D, 0x7A}
CODE_PAGES = {"936": "gb18030", "65001": "utf-8", "54936": "gb18030", "1252": "cp1252"}


def read_geopackage(path: Path, layer: str | None, limits: Limits) -> Layer:
    """The features of `layer`, or of the only layer with geometry.

    Raises UnreadableFile, LayerAmbiguous, LayerUnknown, NoFeatures, TooManyFeatures,
    TooManyVertices, BadEncoding and CrsNotConvertible.
    """
    try:
        with _quietly():
            layers = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
    except (DataSourceError, DataLayerError) as broken:
        raise _unreadable("GeoPackage", broken) from None
    if not layers:
        raise NoFeatures
    if layer is None and len(layers) > 1:
        raise LayerAmbiguous(layers="、".join(layers)[:200], pointer="/layer")
    if layer is not None and layer not in layers:
        raise LayerUnknown(layer=layer, layers="、".join(layers)[:200], pointer="/layer")
    return _read(path, "GeoPackage", layer or layers[0], None, limits)


def read_shapefile(path: Path, limits: Limits) -> Layer:
    """The features of the Shapefile whose .shp is at `path`. Raises as `read_geopackage`."""
    if (vertices := path.stat().st_size // BYTES_PER_VERTEX) > 2 * limits.vertices:
        raise TooManyVertices(count=vertices, limit=limits.vertices)
    return _read(path, "Shapefile", None, _encoding_of(path), limits)


def _read(
    path: Path, format_: str, layer: str | None, encoding: str | None, limits: Limits
) -> Layer:
    try:
        with _quietly():
            count = pyogrio.read_info(path, layer=layer, encoding=encoding)["features"]
            if count > limits.features:
                raise TooManyFeatures(count=count, limit=limits.features)
            meta, _, wkb, columns = pyogrio.raw.read(path, layer=layer, encoding=encoding)
    except UnicodeDecodeError:
        raise BadEncoding(encoding=encoding or "UTF-8") from None
    except LookupError:
        raise BadEncoding(encoding=encoding or "UTF-8") from None
    except (DataSourceError, DataLayerError, ValueError) as broken:
        raise _unreadable(format_, broken) from None
    geometries = shapely.from_wkb(wkb, on_invalid="ignore")
    names = [str(name) for name in meta["fields"]]
    features = []
    for ord_, (raw, geometry) in enumerate(zip(wkb, geometries, strict=True)):
        problem = "unreadable" if geometry is None and raw is not None else None
        properties = {n: _plain(c[ord_]) for n, c in zip(names, columns, strict=True)}
        features.append(RawFeature(ord_, properties, geometry, problem))
    return Layer(features=features, crs=_crs(meta["crs"]))


@contextmanager
def _quietly() -> Iterator[None]:
    """GDAL warns of much that is odd and harmless; what is wrong, it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _crs(text: str | None) -> CRS | None:
    if not text:
        return None
    try:
        found = CRS.from_user_input(text)
    except CRSError:
        raise CrsNotConvertible(given=text[:60], pointer="/crs") from None
    # GeoPackage has systems that mean "none said": undefined Cartesian and geographic.
    return None if str(found.name).lower().startswith("undefined") else found


def _encoding_of(path: Path) -> str | None:
    """The encoding of a Shapefile's text: its .cpg, its .dbf, else whether it reads as UTF-8."""
    declared = path.with_suffix(".cpg")
    if declared.exists():
        name = declared.read_text("ascii", "replace").strip().lower()[:40]
        return CODE_PAGES.get(name.removeprefix("cp").removeprefix("ansi ").strip(), name) or None
    table = path.with_suffix(".dbf").read_bytes()
    if len(table) > 29 and table[29] in GBK_DRIVER_IDS:
        return "gb18030"
    try:
        table[32:].decode("utf-8")
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8"


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and np.isnan(value) else value


def _unreadable(format_: str, error: Exception) -> UnreadableFile:
    # GDAL's words name files of ours: say the kind of trouble, not the path.
    reason = str(error).split("\n", 1)[0]
    detail = "not recognized" if "not recognized" in reason else type(error).__name__
    return UnreadableFile(format=format_, reason_zh="文件损坏或不完整", reason_en=detail)
