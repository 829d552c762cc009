"""Data that is drafted, validated and published as a whole: what all kinds of it share.

A kind's `rules` find what is to be said of a draft; errors stop a publication, warnings do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Protocol, TypeAlias, TypeVar

from service.errors import AppError, FieldProblem

Severity = Literal["error", "warning"]
# What validation can say: severity, Chinese and English text by code.
Messages: TypeAlias = Mapping[str, tuple[Severity, str, str]]
MOST_TOLD = 100


class Found(Protocol):
    """What is wrong (error) or worth a look (warning) at one place of a draft."""

    @property
    def severity(self) -> Severity: ...
    @property
    def pointer(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def zh(self) -> str: ...
    @property
    def en(self) -> str: ...


F = TypeVar("F", bound=Found)


def errors_of(found: Iterable[F]) -> tuple[F, ...]:
    """Only what stops a publication."""
    return tuple(f for f in found if f.severity == "error")


def refuse_errors(
    found: Sequence[Found], failure: type[AppError], *, version: int, clause: str | None = None
) -> None:
    """Pass when nothing stops a publication. Raises `failure` with the errors' places."""
    if wrong := errors_of(found):
        places = tuple(FieldProblem(f.pointer, f.code, f.zh, f.en) for f in wrong[:MOST_TOLD])
        raise failure(fields=places, version=version, count=len(wrong), clause=clause)


def shown_finding(found: Found, **about: str) -> dict[str, str]:
    """A finding as it crosses the wire; `about` names what it is of."""
    return {
        "severity": found.severity,
        **about,
        "pointer": found.pointer,
        "code": found.code,
        "zh": found.zh,
        "en": found.en,
    }


def require_draft(status: str, failure: type[AppError], version: int) -> None:
    """Pass when the version is a draft: what was published never changes. Raises `failure`."""
    if status != "draft":
        raise failure(version=version, state=status)
