"""EXIF: where and when a photo was taken, and the little of it that may stay in the file."""

from __future__ import annotations

import math
import re
import struct
import threading
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from PIL import Image

from geo.crs import Crs, to_canonical
from geo.errors import GeoError
from service.attachments.rules import FIRST_YEAR
from service.kit.clock import CHINA

# Tags of EXIF 2.32 (JEITA CP-3451).
ORIENTATION = 0x0112
EXIF_IFD, GPS_IFD = 0x8769, 0x8825
TAKEN = ((0x9003, 0x9011), (0x9004, 0x9012))  # original, digitised: time and its offset
LAT_REF, LAT, LON_REF, LON, DATUM = 1, 2, 3, 4, 18
DATUMS = {
    "": Crs.WGS84,
    "WGS84": Crs.WGS84,
    "CGCS2000": Crs.CGCS2000,
    "GCJ02": Crs.GCJ02,
    "BD09": Crs.BD09,
}
OFFSET = re.compile(r"([+-])(\d\d):(\d\d)", re.ASCII)
MARK = b"Exif\0\0"
# Pillow reports damaged EXIF by warnings, whose filters belong to the whole process.
_reading = threading.Lock()


@dataclass(frozen=True, slots=True)
class Taken:
    """Where (lon, lat in degrees, EPSG:4490) and when a file was recorded, as far as it says."""

    position: tuple[float, float] | None = None
    captured_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ExifFacts:
    """What is read from an EXIF block before it is thrown away."""

    orientation: int = 1
    taken: Taken = Taken()


def read_exif(block: bytes | None) -> ExifFacts:
    """The facts in `block` (a TIFF structure, with or without the "Exif" mark).

    Nothing that is wrong in a block is an error: what cannot be read is not there.
    """
    if not block:
        return ExifFacts()
    with _reading, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exif = Image.Exif()
            exif.load(block.removeprefix(MARK))
            main, detail, gps = dict(exif), exif.get_ifd(EXIF_IFD), exif.get_ifd(GPS_IFD)
        except Exception:  # noqa: BLE001 - hostile blocks fail in any way; they just hold no facts
            return ExifFacts()
    orientation = main.get(ORIENTATION)
    if not isinstance(orientation, int) or not 1 <= orientation <= 8:
        orientation = 1
    return ExifFacts(orientation, Taken(_position(gps), _moment(detail)))


def orientation_only(orientation: int) -> bytes:
    """A TIFF block that says how to turn the picture, and nothing else."""
    return struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, ORIENTATION, 3, 1, orientation, 0, 0)


def canonical(lon: float, lat: float, crs: Crs = Crs.WGS84) -> tuple[float, float] | None:
    """The position in EPSG:4490, or None when it cannot be one of this country."""
    try:
        return to_canonical(lon, lat, crs)
    except GeoError:
        return None


def _position(gps: Mapping[int, Any]) -> tuple[float, float] | None:
    crs = DATUMS.get(re.sub(r"[^A-Z0-9]", "", _text(gps.get(DATUM)).upper()))
    lon = _degrees(gps.get(LON), _text(gps.get(LON_REF)), "EW")
    lat = _degrees(gps.get(LAT), _text(gps.get(LAT_REF)), "NS")
    if crs is None or lon is None or lat is None:
        return None
    return canonical(lon, lat, crs)


def _degrees(value: Any, ref: str, signs: str) -> float | None:
    """Degrees, minutes, seconds as one signed number of degrees."""
    try:
        parts = [float(part) for part in value]
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    if len(parts) != 3 or ref[:1] not in (signs[0], signs[1]) or ref == "":
        return None
    degrees = parts[0] + parts[1] / 60 + parts[2] / 3600
    if not math.isfinite(degrees):
        return None
    return -degrees if ref[0] == signs[1] else degrees


def _moment(detail: Mapping[int, Any]) -> datetime | None:
    for time_tag, offset_tag in TAKEN:
        try:
            naive = datetime.strptime(_text(detail.get(time_tag)), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - EXIF keeps the zone in a tag of its own
        except ValueError:
            continue
        if naive.year < FIRST_YEAR:
            continue
        return naive.replace(tzinfo=_zone(_text(detail.get(offset_tag))))
    return None


def _zone(text: str) -> timezone:
    """The offset that the camera noted; cameras that note none are set to China's time."""
    found = OFFSET.fullmatch(text)
    if found is None:
        return CHINA
    minutes = int(found[2]) * 60 + int(found[3])
    if minutes > 14 * 60:
        return CHINA
    return timezone(timedelta(minutes=-minutes if found[1] == "-" else minutes))


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return value.strip("\0 ") if isinstance(value, str) else ""
