"""Pure decisions about codes and versions: numbering at publication, versions that are stale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from geo.codes import CodeScheme, CodesExhausted, GridKind, next_codes, next_micro_code
from service.areas.errors import BadIfMatch, NoCodesLeft, StaleVersion

# The case of a grid is known by its code alone, so its id is made of the code.
GRID_CASES = UUID("8f0c2a52-6a1f-5d55-9a43-3f3f3a5c1e01")


def case_id_of(code: str) -> UUID:
    """The id under which a grid's events are chained."""
    return uuid5(GRID_CASES, code)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A new grid that needs a code: `order` is its place inside village and kind, or parent.

    `parent_ord` is the feature, `parent_code` the grid in force, that a micro-grid is in; one of
    both.
    """

    ord: int
    village_code: str
    kind: str
    order: int
    parent_ord: int | None = None
    parent_code: str | None = None


def assign_codes(
    wanted: Sequence[Wanted],
    highest: Mapping[str, Mapping[str, int]],
    highest_micro: Mapping[str, int],
    scheme: CodeScheme,
) -> dict[int, str]:
    """Codes by `ord`: after the highest number ever used, in order (domain: codes are not reused).

    `highest` maps a village to its highest number by type digit, `highest_micro` a grid to its
    highest micro-grid number. Raises NoCodesLeft.
    """
    codes: dict[int, str] = {}
    used = {village: dict(numbers) for village, numbers in highest.items()}
    groups: dict[tuple[str, str], list[Wanted]] = {}
    for grid in sorted(wanted, key=lambda w: w.order):
        groups.setdefault((grid.village_code, grid.kind), []).append(grid)
    try:
        for kind in GridKind:
            for (village, of_kind), members in sorted(groups.items()):
                if of_kind == kind:
                    codes |= _number(village, kind, members, used, scheme)
        codes |= _number_micro(wanted, codes, highest_micro, scheme)
    except CodesExhausted as full:
        raise NoCodesLeft(reason_zh=full.message_zh, reason_en=full.message) from None
    return codes


def _number(
    village: str,
    kind: GridKind,
    members: Sequence[Wanted],
    used: dict[str, dict[str, int]],
    scheme: CodeScheme,
) -> dict[int, str]:
    numbers = used.setdefault(village, {})
    codes = next_codes(village, kind, numbers, scheme, count=len(members))
    for code in codes:
        type_digit, number = split_code(code, scheme)
        numbers[type_digit] = max(number, numbers.get(type_digit, 0))
    return {grid.ord: code for grid, code in zip(members, codes, strict=True)}


def _number_micro(
    wanted: Sequence[Wanted],
    codes: Mapping[int, str],
    highest_micro: Mapping[str, int],
    scheme: CodeScheme,
) -> dict[int, str]:
    used = dict(highest_micro)
    made: dict[int, str] = {}
    for grid in sorted((w for w in wanted if w.kind == "micro"), key=lambda w: w.order):
        parent = grid.parent_code or codes[-1 if grid.parent_ord is None else grid.parent_ord]
        made[grid.ord] = next_micro_code(parent, used.get(parent, 0), scheme)
        used[parent] = used.get(parent, 0) + 1
    return made


def split_code(code: str, scheme: CodeScheme) -> tuple[str, int]:
    """Type digit ("" in a scheme without) and sequence number of a grid's key."""
    start = scheme.grid_length - scheme.sequence_digits
    return code[12:start], int(code[start : scheme.grid_length])


def default_name(code: str, scheme: CodeScheme) -> str:
    """The name of a grid that was submitted without one: its number."""
    name = f"第{split_code(code, scheme)[1]:02}网格"
    micro = code[scheme.grid_length :]
    return f"{name}第{int(micro)}微网格" if micro else name


def expected_version(if_match: str | None) -> int | None:
    """The version that an If-Match header names; None for none and for `*`. Raises BadIfMatch."""
    if if_match is None or if_match.strip() == "*":
        return None
    number = if_match.strip().removeprefix("W/").strip('"')
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise BadIfMatch(pointer="/If-Match")
    return int(number)


def require_version(code: str, current: int, expected: int | None) -> None:
    """Pass when nothing was expected, or what is there. Raises StaleVersion."""
    if expected is not None and expected != current:
        raise StaleVersion(grid=code, current=current)
