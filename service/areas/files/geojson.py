"""Reading GeoJSON: the text is judged before it is parsed, each feature on its own.

RFC 7946 has no other system than WGS 84, but files in China are in several, so a file without the
older `crs` member says nothing of its system (design: an undeclared system is refused).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import shapely
from pyproj import CRS

from service.areas.errors import CrsUnknown
from service.areas.files.declared_crs import EXPECTED, from_name
from service.areas.files.errors import BadEncoding, TooManyFeatures, TooManyVertices, UnreadableFile
from service.areas.files.layer import Layer, RawFeature
from service.areas.files.limits import Limits

BOM = b"\xef\xbb\xbf"


class _Feature(msgspec.Struct):
    type: str = ""
    geometry: msgspec.Raw = msgspec.Raw(b"null")
    properties: dict[str, Any] | None = None


class _Document(msgspec.Struct):
    type: str
    crs: Any = None
    features: list[msgspec.Raw] = []


def read_geojson(path: Path, limits: Limits) -> Layer:
    """The features of a FeatureCollection or a single Feature.

    Raises UnreadableFile, BadEncoding, TooManyVertices, TooManyFeatures and CrsUnknown.
    """
    content = path.read_bytes().removeprefix(BOM)
    if (vertices := _count_number_arrays(content)) > limits.vertices:
        raise TooManyVertices(count=vertices, limit=limits.vertices)
    document = _decode(content, _Document)
    rows = document.features
    if document.type == "Feature":
        rows = [msgspec.Raw(content)]
    elif document.type != "FeatureCollection":
        raise UnreadableFile(
            format="GeoJSON",
            reason_zh="应为 FeatureCollection",
            reason_en=f"a FeatureCollection is expected, not {document.type[:40]!r}",
        )
    if len(rows) > limits.features:
        raise TooManyFeatures(count=len(rows), limit=limits.features)
    features = [_feature(ord_, row) for ord_, row in enumerate(rows)]
    return Layer(features=features, crs=_crs(document.crs))


def _count_number_arrays(content: bytes) -> int:
    """How many arrays begin with a number: every position is one. Costs no parse tree."""
    raw = np.frombuffer(content, dtype=np.uint8)
    raw = raw[raw > ord(" ")]
    first = raw[1:][raw[:-1] == ord("[")]
    return int(np.count_nonzero((first == ord("-")) | ((first >= ord("0")) & (first <= ord("9")))))


def _decode(content: bytes | msgspec.Raw, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(content, type=kind)
    except UnicodeDecodeError:
        raise BadEncoding(encoding="UTF-8") from None
    except (msgspec.MsgspecError, RecursionError) as broken:
        if "utf-8" in str(broken).lower():
            raise BadEncoding(encoding="UTF-8") from None
        raise UnreadableFile(
            format="GeoJSON", reason_zh="不是完整、正确的 JSON", reason_en=str(broken)[:200]
        ) from None


def _feature(ord_: int, row: msgspec.Raw) -> RawFeature:
    found: _Feature = _decode(row, _Feature)
    text = bytes(found.geometry)
    geometry, problem = None, None
    if text != b"null":
        geometry = shapely.from_geojson(text, on_invalid="ignore")
        problem = "unreadable" if geometry is None else None
    return RawFeature(ord_, found.properties or {}, geometry, problem)


def _crs(member: Any) -> CRS | None:
    if member is None:
        return None
    named = member.get("properties") if isinstance(member, dict) else None
    name = named.get("name") if isinstance(named, dict) else None
    if not isinstance(name, str):
        raise CrsUnknown(given=repr(member)[:60], expected=EXPECTED, pointer="/file/crs")
    return from_name(name)
