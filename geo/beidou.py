"""BeiDou grid location codes (GB/T 39409-2020, two-dimensional): a search attribute of a point.

A code is a prefix of every finer code of the same place. From the hemisphere letter on, each
level cuts the cell of the level above:

    level  cell            code elements        cut (columns x rows)
    1      6 deg x 4 deg   column 01-60, row A-V  of the hemisphere, as the 1:1 000 000 sheets
    2      30' x 30'       column 0-B, row 0-7    12 x 8
    3      15' x 10'       0-5 in Z order          2 x 3
    4      1' x 1'         column 0-E, row 0-9    15 x 10
    5      4" x 4"         column 0-E, row 0-E    15 x 15
    6      2" x 2"         0-3 in Z order          2 x 2
    7-10   1/4" to 1/2048" column 0-7, row 0-7     8 x 8 each

Only the north-eastern quadrant (0 to 180 E, 0 to 88 N) is offered; all of China lies in it. For
it independent public implementations agree at all ten levels. In the other three they number
the cells in different directions, and the polar caps have a code of their own. Positions are
EPSG:4490 longitude, latitude.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from geo.errors import GeoError

HIGHEST_LEVEL = 10
NORTH_LIMIT = 88
EAST_LIMIT = 180

# All cell sizes are counted in the finest one, 1/2048 of a second of arc.
_UNITS_PER_DEGREE = 3600 * 2048
_FIRST_COLUMN = 31  # the column that begins at Greenwich
_DIGITS = "0123456789ABCDE"
_LENGTHS = (4, 6, 7, 9, 11, 12, 14, 16, 18, 20)  # of a code, by level


@dataclass(frozen=True, slots=True)
class _Cut:
    """How one level divides the cell above it; widths and heights in units."""

    columns: int
    rows: int
    width: int
    height: int
    z_order: bool = False


def _cuts() -> tuple[_Cut, ...]:
    """The cuts of levels 2 to 10, derived from the size of the first cell."""
    width, height = 6 * _UNITS_PER_DEGREE, 4 * _UNITS_PER_DEGREE
    cuts: list[_Cut] = []
    for columns, rows in ((12, 8), (2, 3), (15, 10), (15, 15), (2, 2), *((8, 8),) * 4):
        width, height = width // columns, height // rows
        cuts.append(_Cut(columns, rows, width, height, z_order=columns == 2))
    return tuple(cuts)


_FIRST = _Cut(60, NORTH_LIMIT // 4, 6 * _UNITS_PER_DEGREE, 4 * _UNITS_PER_DEGREE)
_CUTS = _cuts()


class Bounds(NamedTuple):
    """A cell in degrees: its west and south sides belong to it, its east and north do not."""

    west: float
    south: float
    east: float
    north: float


class BeidouLevelUnknown(GeoError):
    """The level is not between 1 and 10."""

    code = "beidou_level"

    def __init__(self, level: int) -> None:
        super().__init__(
            f"BeiDou grid level {level} does not exist; levels are 1 to {HIGHEST_LEVEL}",
            zh=f"北斗网格级别 {level} 不存在；级别为1至{HIGHEST_LEVEL}",
        )
        self.level = level


class OutsideBeidouQuadrant(GeoError):
    """The position is not in the north-eastern quadrant below 88 N, or is no position."""

    code = "beidou_outside"

    def __init__(self, lon: float, lat: float) -> None:
        super().__init__(
            f"no BeiDou grid code for longitude {lon}, latitude {lat}: "
            f"only 0 to {EAST_LIMIT} E, 0 to {NORTH_LIMIT} N",
            zh=f"经度 {lon}、纬度 {lat} 无北斗网格位置码："
            f"仅支持东经0至{EAST_LIMIT}、北纬0至{NORTH_LIMIT}",
        )
        self.lon = lon
        self.lat = lat


class BadBeidouCode(GeoError):
    """The text is no BeiDou grid code of the north-eastern quadrant; ``position`` says where."""

    code = "beidou_code"

    def __init__(self, text: str, position: int) -> None:
        super().__init__(
            f"{text[:30]!r} is no BeiDou grid code: trouble at character {position + 1}",
            zh=f"{text[:30]!r} 不是有效的北斗网格位置码：第{position + 1}个字符有误",
        )
        self.position = position


def encode(lon: float, lat: float, level: int = 5) -> str:
    """Code of the cell at ``level`` (1 to 10) that holds an EPSG:4490 position in degrees.

    A position on a side between two cells belongs to the eastern and northern one. Raises
    ``BeidouLevelUnknown`` and ``OutsideBeidouQuadrant``.
    """
    if not 1 <= level <= HIGHEST_LEVEL:
        raise BeidouLevelUnknown(level)
    if not (0 <= lon < EAST_LIMIT and 0 <= lat < NORTH_LIMIT):
        raise OutsideBeidouQuadrant(lon, lat)
    column, x = divmod(_units(lon), _FIRST.width)
    row, y = divmod(_units(lat), _FIRST.height)
    code = f"N{column + _FIRST_COLUMN:02}{chr(ord('A') + row)}"
    for cut in _CUTS[: level - 1]:
        column, x = divmod(x, cut.width)
        row, y = divmod(y, cut.height)
        code += str(row * 2 + column) if cut.z_order else _DIGITS[column] + _DIGITS[row]
    return code


def decode(code: str) -> Bounds:
    """Sides of a cell in EPSG:4490 degrees; lower-case letters are accepted.

    Raises ``BadBeidouCode``.
    """
    text = code.upper() if code.isascii() else code
    column, row = _first_elements(text)
    x, y = column * _FIRST.width, row * _FIRST.height
    last, at = _FIRST, 4
    for cut in _CUTS:
        if at == len(text):
            break
        column, row = _elements(text, at, cut)
        x, y = x + column * cut.width, y + row * cut.height
        last, at = cut, at + (1 if cut.z_order else 2)
    if at != len(text):
        raise BadBeidouCode(text, at)
    return Bounds(*(units / _UNITS_PER_DEGREE for units in (x, y, x + last.width, y + last.height)))


def level_of_code(code: str) -> int:
    """Level, 1 to 10, of a code. Raises ``BadBeidouCode``."""
    decode(code)
    return _LENGTHS.index(len(code)) + 1


def _units(degrees: float) -> int:
    """Units west or south of a position, so that a float equal to a side lies on it."""
    units = math.floor(degrees * _UNITS_PER_DEGREE)
    if (units + 1) / _UNITS_PER_DEGREE <= degrees:
        return units + 1
    return units - 1 if units / _UNITS_PER_DEGREE > degrees else units


def _first_elements(text: str) -> tuple[int, int]:
    """Column and row of the first level, counted from Greenwich and the equator."""
    if text[:1] != "N":
        raise BadBeidouCode(text, 0)
    digits = text[1:3]
    if not (len(digits) == 2 and digits.isascii() and digits.isdigit()):
        raise BadBeidouCode(text, 1)
    column = int(digits) - _FIRST_COLUMN
    if not 0 <= column < _FIRST.columns - _FIRST_COLUMN + 1:
        raise BadBeidouCode(text, 1)
    row = ord(text[3]) - ord("A") if len(text) > 3 else -1
    if not 0 <= row < _FIRST.rows:
        raise BadBeidouCode(text, 3)
    return column, row


def _elements(text: str, at: int, cut: _Cut) -> tuple[int, int]:
    """Column and row that a level's elements stand for."""
    if cut.z_order:
        row, column = divmod(_digit(text, at, cut.columns * cut.rows), cut.columns)
        return column, row
    return _digit(text, at, cut.columns), _digit(text, at + 1, cut.rows)


def _digit(text: str, at: int, count: int) -> int:
    value = _DIGITS.find(text[at]) if at < len(text) else -1
    if not 0 <= value < count:
        raise BadBeidouCode(text, at)
    return value
