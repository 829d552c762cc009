"""Division codes: county 6, township 9, village 12 digits; below them the grids of a scheme.

GB/T 2260 and GB/T 10114 as the national statistics codes use them. "Inside" is a prefix.
"""

from __future__ import annotations

from enum import StrEnum

from geo.code_errors import ForeignCharacter, TownshipZero, WrongLength
from geo.schemes import SCHEME_15, VILLAGE_LENGTH, CodeScheme

COUNTY_LENGTH = 6
TOWNSHIP_LENGTH = 9


class Level(StrEnum):
    """The levels of an area code, from the county down."""

    COUNTY = "county"
    TOWNSHIP = "township"
    VILLAGE = "village"
    GRID = "grid"
    MICRO_GRID = "micro_grid"


class TownshipKind(StrEnum):
    """The kind of a township-level division; the number of a village tells no such thing."""

    STREET_OFFICE = "street_office"
    TOWN = "town"
    TOWNSHIP = "township"
    OTHER = "other"


def level_of(code: str, scheme: CodeScheme = SCHEME_15) -> Level:
    """Level of a division, grid or micro-grid key, by its length.

    Raises ``ForeignCharacter`` and ``WrongLength``. The check character is no part of a key.
    """
    return _levels(scheme)[_length_of(code, scheme)]


def parent_of(code: str, scheme: CodeScheme = SCHEME_15) -> str | None:
    """Key of the area one level up; None for a county. Raises as ``level_of``."""
    length = _length_of(code, scheme)
    above = [other for other in _levels(scheme) if other < length]
    return code[: above[-1]] if above else None


def is_inside(code: str, prefix: str, scheme: CodeScheme = SCHEME_15) -> bool:
    """Whether the area ``code`` is the area ``prefix`` or lies in it.

    Both must be whole keys: half a code names no area, and an empty prefix would mean
    everywhere. Raises as ``level_of``.
    """
    _length_of(prefix, scheme)
    _length_of(code, scheme)
    return code.startswith(prefix)


def township_kind(code: str) -> TownshipKind:
    """Kind of the township that a township, village or grid code is in, by digits 7-9.

    001-099 street office, 100-199 town, 200-399 township [GB/T 10114]; above that, units that
    are run like a township (farms, development zones). Raises ``WrongLength`` for a county,
    ``ForeignCharacter``, and ``TownshipZero`` for 000.
    """
    require_digits(code)
    if len(code) < TOWNSHIP_LENGTH:
        raise WrongLength(len(code), (TOWNSHIP_LENGTH, VILLAGE_LENGTH))
    number = int(code[COUNTY_LENGTH:TOWNSHIP_LENGTH])
    if number == 0:
        raise TownshipZero(code)
    if number < 100:
        return TownshipKind.STREET_OFFICE
    if number < 200:
        return TownshipKind.TOWN
    return TownshipKind.TOWNSHIP if number < 400 else TownshipKind.OTHER


def require_digits(code: str) -> None:
    """Raise ``ForeignCharacter`` for the first character that is not an ASCII digit."""
    if not (code.isascii() and code.isdigit()):
        for position, character in enumerate(code):
            if character not in "0123456789":
                raise ForeignCharacter(character, position)


def zero_field(village: str) -> tuple[str, int] | None:
    """Name and first position of the field of a 12-digit key that is 000, so names no village."""
    for field, start in (("township", COUNTY_LENGTH), ("village", TOWNSHIP_LENGTH)):
        if village[start : start + 3] == "000":
            return field, start
    return None


def _length_of(code: str, scheme: CodeScheme) -> int:
    levels = _levels(scheme)
    require_digits(code)
    if len(code) not in levels:
        raise WrongLength(len(code), tuple(levels))
    return len(code)


def _levels(scheme: CodeScheme) -> dict[int, Level]:
    """Levels by length of key, the shortest first."""
    levels = {
        COUNTY_LENGTH: Level.COUNTY,
        TOWNSHIP_LENGTH: Level.TOWNSHIP,
        VILLAGE_LENGTH: Level.VILLAGE,
        scheme.grid_length: Level.GRID,
    }
    if scheme.micro_length is not None:
        levels[scheme.micro_length] = Level.MICRO_GRID
    return levels
