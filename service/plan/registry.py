"""The plan as the product ships it: 24 sections, 46 tasks, 129 measures in our own words.

The official text is not here; a deployment imports it (service.plan.parser). Which mechanism
serves which clause is written once, in the table of mechanisms, and read from either side.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from service.plan.parsing.shapes import DeadlineKind
from service.plan.registry_entries import (
    CompletionTime,
    Correction,
    Mechanism,
    MechanismStatus,
    Note,
    PlanMeasure,
    PlanSection,
    PlanTask,
    Registry,
    RegistryError,
    UnknownClause,
    normalise_clause,
)
from service.plan.registry_reading import read_registry

__all__ = [
    "CompletionTime",
    "Correction",
    "DeadlineKind",
    "Mechanism",
    "MechanismStatus",
    "Note",
    "PlanMeasure",
    "PlanSection",
    "PlanTask",
    "Registry",
    "RegistryError",
    "UnknownClause",
    "clause",
    "load_registry",
    "normalise_clause",
    "read_registry",
]

DATA = Path(__file__).parent / "data" / "registry.json"


@lru_cache(maxsize=1)
def load_registry() -> Registry:
    """The registry shipped with the product, read and validated once."""
    return read_registry(DATA.read_bytes())


def clause(clause_id: str) -> PlanMeasure:
    """The measure `clause_id` of the shipped registry. Raises UnknownClause."""
    return load_registry().clause(clause_id)
