"""Codes of areas and grids: what the rest of the product imports, and how new ones are issued.

``geo.divisions`` has counties, townships and villages, ``geo.schemes`` the fields of a grid code,
``geo.grid_codes`` reading and checking, ``geo.code_errors`` all that can be wrong.
"""

from __future__ import annotations

from collections.abc import Mapping

from geo.code_errors import (
    BadCheckCharacter,
    CodeError,
    CodesExhausted,
    ForeignCharacter,
    FullWidthCharacter,
    MicroSequenceZero,
    MissingVillage,
    NumberOutOfRange,
    SequenceZero,
    TownshipZero,
    UnknownGridType,
    WhitespaceInCode,
    WrongCheckCharacter,
    WrongLength,
)
from geo.divisions import (
    Level,
    TownshipKind,
    is_inside,
    level_of,
    parent_of,
    require_digits,
    township_kind,
    zero_field,
)
from geo.grid_codes import (
    CodeExplanation,
    CodeProblem,
    ParsedCode,
    check_character,
    display,
    explain,
    parse,
)
from geo.schemes import (
    SCHEME_15,
    SCHEME_DB11,
    SCHEMES,
    VILLAGE_LENGTH,
    CodeScheme,
    GridKind,
)

__all__ = [
    "SCHEMES",
    "SCHEME_15",
    "SCHEME_DB11",
    "BadCheckCharacter",
    "CodeError",
    "CodeExplanation",
    "CodeProblem",
    "CodeScheme",
    "CodesExhausted",
    "ForeignCharacter",
    "FullWidthCharacter",
    "GridKind",
    "Level",
    "MicroSequenceZero",
    "MissingVillage",
    "NumberOutOfRange",
    "ParsedCode",
    "SequenceZero",
    "TownshipKind",
    "TownshipZero",
    "UnknownGridType",
    "WhitespaceInCode",
    "WrongCheckCharacter",
    "WrongLength",
    "check_character",
    "display",
    "explain",
    "is_inside",
    "level_of",
    "next_code",
    "next_codes",
    "next_micro_code",
    "parent_of",
    "parse",
    "township_kind",
]


def next_code(
    village: str,
    kind: GridKind,
    highest_used_per_type: Mapping[str, int],
    scheme: CodeScheme = SCHEME_15,
) -> str:
    """The next new grid key of a village: the highest number ever used + 1.

    ``highest_used_per_type`` maps a type digit (``""`` in a scheme without types) to the highest
    sequence ever issued, retired grids included; a type that is missing has issued none. Raises
    ``CodesExhausted`` when every type of the kind is used up, ``NumberOutOfRange``,
    ``ForeignCharacter``, ``WrongLength`` and ``MissingVillage``.
    """
    return next_codes(village, kind, highest_used_per_type, scheme)[0]


def next_codes(
    village: str,
    kind: GridKind,
    highest_used_per_type: Mapping[str, int],
    scheme: CodeScheme = SCHEME_15,
    *,
    count: int = 1,
) -> list[str]:
    """The next ``count`` new grid keys in order, all or none; otherwise as ``next_code``."""
    require_digits(village)
    if len(village) != VILLAGE_LENGTH:
        raise WrongLength(len(village), (VILLAGE_LENGTH,))
    if zero := zero_field(village):
        raise MissingVillage(village, *zero)
    codes: list[str] = []
    digits = scheme.types_of(kind)
    for digit in digits:
        highest = highest_used_per_type.get(digit, 0)
        if not 0 <= highest <= scheme.highest_sequence:
            raise NumberOutOfRange(highest, scheme.highest_sequence)
        last = min(scheme.highest_sequence, highest + count - len(codes))
        codes += [
            f"{village}{digit}{number:0{scheme.sequence_digits}}"
            for number in range(highest + 1, last + 1)
        ]
    if len(codes) < count:
        raise CodesExhausted(village, len(digits) * scheme.highest_sequence)
    return codes


def next_micro_code(grid: str, highest_used: int, scheme: CodeScheme = SCHEME_15) -> str:
    """The next new micro-grid key of a grid: the highest number ever used + 1.

    Raises ``CodesExhausted`` (at once in a scheme without micro-grids), ``NumberOutOfRange`` and
    what ``parse`` raises for a bad grid code.
    """
    parent = parse(grid, scheme)
    if parent.micro is not None:
        raise WrongLength(len(parent.code), (scheme.grid_length,))
    if not 0 <= highest_used <= scheme.highest_micro:
        raise NumberOutOfRange(highest_used, scheme.highest_micro)
    if highest_used == scheme.highest_micro:
        raise CodesExhausted(parent.code, scheme.highest_micro)
    return f"{parent.code}{highest_used + 1:0{scheme.micro_digits}}"
