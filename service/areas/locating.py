"""From positions to grids: reading a batch, asking the index, writing the answer.

Everything here is pure and made for ten thousand points at a time; it runs in a thread.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

import msgspec
import numpy as np
import shapely
from numpy.typing import NDArray

from geo.crs import Crs, UndeclaredCrs, UnknownCrs, parse_crs, to_canonical, to_canonical_array
from geo.errors import GeoError
from geo.locate import LocatedMany
from service.areas.errors import CrsUndeclared, CrsUnknown, TooManyPoints
from service.areas.grid_cache import GridSnapshot
from service.errors import FieldProblem, InvalidInput, MalformedBody
from service.kit.fields import EARLIEST, LATEST

MAX_POINTS = 10_000
DECIMALS = 9
ROW_INVALID = "row_invalid"
PRECEDENCE = {"dedicated": 0, "basic": 1, "temporary": 2}
EXPECTED = "、".join(Crs)
OUT_OF_TIME = FieldProblem(
    "/as_of", "as_of", "时间应在 1900 至 2200 年之间", "as_of must lie between 1900 and 2200"
)

FloatArray = NDArray[np.float64]
AsOf = Annotated[datetime, msgspec.Meta(tz=True)]


class _Batch(msgspec.Struct, forbid_unknown_fields=True):
    points: list[tuple[float, float]]
    crs: str | None = None
    as_of: AsOf | None = None


class _LooseBatch(msgspec.Struct, forbid_unknown_fields=True):
    points: list[Any]
    crs: str | None = None
    as_of: AsOf | None = None


class GridThenOrNow(msgspec.Struct):
    """The grid that is responsible at one position at one time."""

    code: str | None
    micro_code: str | None
    reason: str | None


class PlaceAnswer(msgspec.Struct, omit_defaults=True):
    """One row of the answer; `now` only where another time was asked for."""

    lon: float | None
    lat: float | None
    code: str | None
    micro_code: str | None
    village: str | None
    reason: str | None
    now: GridThenOrNow | None = None


@dataclass(frozen=True, slots=True)
class Positions:
    """n positions of a batch: canonical lon and lat (NaN where bad), and what is bad by row."""

    lons: FloatArray
    lats: FloatArray
    bad: dict[int, tuple[str, str, str]] = field(default_factory=dict)
    """Row to stable code, Chinese text, English text."""


def declared(crs: str | None) -> Crs:
    """The system that a client names. Raises CrsUndeclared and CrsUnknown."""
    try:
        return parse_crs(crs)
    except UndeclaredCrs:
        raise CrsUndeclared(expected=EXPECTED, pointer="/crs") from None
    except UnknownCrs:
        given = repr((crs or "")[:40])
        raise CrsUnknown(given=given, expected=EXPECTED, pointer="/crs") from None


def read_batch(body: bytes) -> tuple[Positions, datetime | None]:
    """The positions of a request body, in EPSG:4490, and the time asked for.

    Raises MalformedBody, InvalidInput, TooManyPoints, CrsUndeclared and CrsUnknown.
    """
    batch = _decode(body)
    crs = declared(batch.crs)
    if batch.as_of is not None and not EARLIEST <= batch.as_of <= LATEST:
        raise InvalidInput(fields=(OUT_OF_TIME,))
    if len(batch.points) > MAX_POINTS:
        raise TooManyPoints(limit=MAX_POINTS, count=len(batch.points), pointer="/points")
    bad: dict[int, tuple[str, str, str]] = {}
    if isinstance(batch, _Batch):
        raw = np.array(batch.points, dtype=np.float64).reshape(-1, 2)
    else:
        raw = _plain_rows(batch.points, bad)
    lons, lats = to_canonical_array(raw[:, 0], raw[:, 1], crs, strict=False)
    for row in np.flatnonzero(np.isnan(lons)).tolist():
        if row not in bad:
            bad[row] = _reason(float(raw[row, 0]), float(raw[row, 1]), crs)
    return Positions(np.round(lons, DECIMALS), np.round(lats, DECIMALS), bad), batch.as_of


def _decode(body: bytes) -> _Batch | _LooseBatch:
    try:
        return msgspec.json.decode(body, type=_Batch)
    except msgspec.ValidationError:
        pass
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as broken:
        # Some clients write NaN and Infinity, which JSON does not know: those rows are bad, the
        # others are not.
        return _convert(_lenient(body, broken))
    return _convert(body)


def _lenient(body: bytes, broken: Exception) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedBody(reason=str(broken)[:200]) from None


def _convert(found: Any) -> _LooseBatch:
    try:
        if isinstance(found, bytes):
            return msgspec.json.decode(found, type=_LooseBatch)
        return msgspec.convert(found, type=_LooseBatch)
    except msgspec.ValidationError as wrong:
        text, _, place = str(wrong).partition(" - at `$")
        pointer = place.rstrip("`").replace(".", "/").replace("[...]", "")
        fields = (FieldProblem(pointer, "invalid", f"内容不正确：{text}", text),)
        raise InvalidInput(fields=fields) from None
    except (msgspec.DecodeError, RecursionError, UnicodeError) as broken:
        raise MalformedBody(reason=str(broken)[:200]) from None


def _plain_rows(rows: Sequence[Any], bad: dict[int, tuple[str, str, str]]) -> FloatArray:
    plain = np.full((len(rows), 2), np.nan)
    for place, row in enumerate(rows):
        numbers = isinstance(row, list | tuple) and len(row) == 2
        if numbers and all(isinstance(v, float | int) and not isinstance(v, bool) for v in row):
            try:
                plain[place] = row
                continue
            except OverflowError:
                pass
        bad[place] = (
            ROW_INVALID,
            "应为 [经度, 纬度] 两个数",
            "two numbers [lon, lat] are expected",
        )
    return plain


def _reason(lon: float, lat: float, crs: Crs) -> tuple[str, str, str]:
    try:
        to_canonical(lon, lat, crs)
    except GeoError as bad:
        return bad.code, bad.message_zh, bad.message
    return ROW_INVALID, "位置无效", "not a position"


def places_now(snapshot: GridSnapshot, positions: Positions) -> list[PlaceAnswer]:
    """One answer for each position from the grids in force."""
    found = snapshot.index.locate_many(positions.lons, positions.lats)
    outside = _outside(snapshot, positions, found)
    codes = (*snapshot.index.codes, None)
    return [
        PlaceAnswer(lon, lat, code, codes[micro], code[:12] if code else None,
                    None if code else "outside_county" if away else "no_grid")
        if lon == lon
        else PlaceAnswer(None, None, None, None, None, positions.bad[row][0])
        for row, (lon, lat, code, micro, away) in enumerate(zip(
            positions.lons.tolist(), positions.lats.tolist(),
            [codes[place] for place in found.grid.tolist()], found.micro.tolist(),
            outside.tolist(), strict=True))
    ]  # fmt: skip


def _outside(snapshot: GridSnapshot, positions: Positions, found: LocatedMany) -> NDArray[np.bool_]:
    outside = np.zeros(len(positions.lons), dtype=bool)
    if snapshot.county is not None:
        lost = np.flatnonzero((found.grid < 0) & ~np.isnan(positions.lons))
        inside = shapely.intersects_xy(snapshot.county, positions.lons[lost], positions.lats[lost])
        outside[lost] = ~inside
    return outside


def places_then(now: Sequence[PlaceAnswer], hits: Sequence[Mapping[str, Any]]) -> list[PlaceAnswer]:
    """The answers for another time: `hits` are the grids then, `now` the answers of today."""
    at: dict[int, list[Mapping[str, Any]]] = {}
    for hit in hits:
        at.setdefault(hit["place"], []).append(hit)
    answers = []
    for place, today in enumerate(now):
        if today.lon is None:
            answers.append(today)
            continue
        grid, micro = responsible(at.get(place, ()))
        code = grid["code"] if grid else None
        reason = (
            None if code else "outside_county" if today.reason == "outside_county" else "no_grid"
        )
        answers.append(
            PlaceAnswer(
                today.lon,
                today.lat,
                code,
                micro,
                code[:12] if code else None,
                reason,
                GridThenOrNow(today.code, today.micro_code, today.reason),
            )
        )
    return answers


def responsible(
    hits: Sequence[Mapping[str, Any]],
) -> tuple[Mapping[str, Any] | None, str | None]:
    """Of all grids at one position the responsible one and the micro-grid, as `geo.locate` rules.

    That is a dedicated grid, else the basic one, else a temporary one; the lowest code of a kind;
    the micro-grid of the basic one.
    """
    grids = sorted(
        (hit for hit in hits if hit["kind"] in PRECEDENCE),
        key=lambda hit: (PRECEDENCE[hit["kind"]], hit["code"]),
    )
    if not grids:
        return None, None
    basic = next((hit["code"] for hit in grids if hit["kind"] == "basic"), None)
    micro = [
        h["code"] for h in hits if h["kind"] == "micro" and basic and h["code"].startswith(basic)
    ]
    return grids[0], min(micro, default=None)


def write_batch(
    snapshot: GridSnapshot,
    places: Sequence[PlaceAnswer],
    positions: Positions,
    *,
    as_of: datetime | None,
    language: str,
) -> bytes:
    """The answer as JSON bytes, see `schemas.locate.LocatedBatch`."""
    problems = [
        {"index": row, "code": code, "detail": zh if language == "zh" else en}
        for row, (code, zh, en) in sorted(positions.bad.items())
    ]
    named = {place.code for place in places}
    return msgspec.json.encode(
        {
            "crs": "EPSG:4490",
            "epoch": snapshot.epoch,
            "synthetic": not snapshot.synthetic.isdisjoint(named),
            "as_of": as_of,
            "items": places,
            "problems": problems,
        }
    )
