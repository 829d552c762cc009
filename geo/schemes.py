"""How grids are numbered inside a village: the code schemes a deployment chooses from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

VILLAGE_LENGTH = 12


class GridKind(StrEnum):
    """What a grid is for. A scheme may show it in the code, or not."""

    BASIC = "basic"
    DEDICATED = "dedicated"
    TEMPORARY = "temporary"


@dataclass(frozen=True, slots=True)
class CodeScheme:
    """The fields of a grid code: village 12 + type + sequence, and micro-grid digits after it.

    ``types`` gives each kind the type digits it may use, in the order in which they are used up;
    a scheme without a type field gives every kind the empty digit, so that all kinds share one
    sequence. ``micro_digits`` is 0 where the scheme knows no micro-grids.
    """

    name: str
    sequence_digits: int
    micro_digits: int
    types: tuple[tuple[GridKind, tuple[str, ...]], ...]

    @property
    def type_digits(self) -> int:
        """Width of the type field, 0 or 1."""
        return len(self.types[0][1][0])

    @property
    def grid_length(self) -> int:
        """Digits of a grid code, without micro-grid and check character."""
        return VILLAGE_LENGTH + self.type_digits + self.sequence_digits

    @property
    def micro_length(self) -> int | None:
        """Digits of a micro-grid code, None where the scheme has none."""
        return self.grid_length + self.micro_digits if self.micro_digits else None

    @property
    def lengths(self) -> tuple[int, ...]:
        """All lengths that a key of this scheme may have."""
        micro = self.micro_length
        return (self.grid_length,) if micro is None else (self.grid_length, micro)

    @property
    def highest_sequence(self) -> int:
        """The last number of one type; the first is 1."""
        return int(10**self.sequence_digits) - 1

    @property
    def highest_micro(self) -> int:
        """The last micro-grid number of one grid, 0 where the scheme has none."""
        return int(10**self.micro_digits) - 1

    @property
    def known_types(self) -> tuple[str, ...]:
        """The type digits in use, in ascending order; empty without a type field."""
        return tuple(sorted({digit for _, digits in self.types for digit in digits if digit}))

    def types_of(self, kind: GridKind) -> tuple[str, ...]:
        """Type digits of a kind in the order in which they are used up."""
        return dict(self.types)[kind]

    def kind_of(self, type_digit: str) -> GridKind | None:
        """Kind that a type digit stands for; None when unknown or when the code shows none."""
        if not self.type_digits:
            return None
        return next((kind for kind, digits in self.types if type_digit in digits), None)


SCHEME_15 = CodeScheme(
    name="village12-type1-sequence2",
    sequence_digits=2,
    micro_digits=2,
    types=(
        (GridKind.BASIC, ("0", "1")),
        (GridKind.DEDICATED, ("8",)),
        (GridKind.TEMPORARY, ("9",)),
    ),
)
"""The default: 15 digits, 17 for a micro-grid; type 1 takes over when 001-099 are used up."""

SCHEME_DB11 = CodeScheme(
    name="village12-sequence3",
    sequence_digits=3,
    micro_digits=0,
    types=tuple((kind, ("",)) for kind in GridKind),
)
"""The shape of Beijing's DB11: village 12 + sequence 3, no type, no micro-grids."""

SCHEMES = {scheme.name: scheme for scheme in (SCHEME_15, SCHEME_DB11)}
