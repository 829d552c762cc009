"""The indicators as data: what each is, which clauses it serves, how it is computed, its target."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import msgspec

DATA = Path(__file__).parent / "data" / "catalogue.json"


class Indicator(msgspec.Struct, frozen=True):
    """One indicator. `numerator` and `denominator` name counters; a `quantile` is of durations.

    `target` is met at or above it when `better` is "high", at or below it when "low".
    """

    code: str
    name_zh: str
    name_en: str
    definition_zh: str
    definition_en: str
    formula_zh: str
    formula_en: str
    unit: Literal["share", "seconds"]
    numerator: str | None
    denominator: str | None
    quantile: float | None
    clauses: tuple[str, ...]
    better: Literal["high", "low"]
    target: float | None
    available: bool
    reason_zh: str | None
    reason_en: str | None

    @property
    def shown(self) -> dict[str, Any]:
        """The definition as the API shows it."""
        return {name: getattr(self, name) for name in SHOWN}


SHOWN = (
    "code", "name_zh", "name_en", "definition_zh", "definition_en", "formula_zh", "formula_en",
    "unit", "clauses", "better", "target", "available", "reason_zh", "reason_en",
)  # fmt: skip


class Catalogue(msgspec.Struct, frozen=True):
    """All indicators in their order, and the denominator under which none shows a value."""

    smallest_denominator: int
    indicators: tuple[Indicator, ...]


@lru_cache(maxsize=1)
def load_catalogue() -> Catalogue:
    """The catalogue shipped with the product, read and validated once."""
    return msgspec.json.decode(DATA.read_bytes(), type=Catalogue)
