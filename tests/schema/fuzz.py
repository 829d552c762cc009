"""How generated requests are sent: as whom, at which things, and what every answer must be."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import requests
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.schema.contract import AROUND, EXAMPLES, document, operations
from tests.schema.world import World, parameters

SECONDS = 30
# Kinds of paths whose parameters are codes, not UUIDs.
CODES = (
    "areas", "grids", "grid-codes", "units", "clauses", "service-hours", "items",
    "emergency-plans", "stock-items", "travel-modes",
)  # fmt: skip
NUMBERS = (
    "category-sets", "categories", "response-policies", "work-calendars", "duty-lists",
)  # fmt: skip


@schemathesis.check
def headers_are_documented(
    _: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """What an answer sends of its own is in the contract."""
    documented = case.operation.definition.raw["responses"].get(str(response.status_code), {})
    known = {name.lower() for name in documented.get("headers", {})} | AROUND
    extra = {name.lower() for name in response.headers} - known
    assert not extra, f"undocumented headers: {sorted(extra)}"


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    headers_are_documented,
]


def generated() -> Any:
    """The contract as the generator of requests reads it; the same requests every time."""
    settings = {
        "seed": 511723,
        "suppress-health-check": ["all"],
        "generation": {"max-examples": EXAMPLES, "deterministic": True, "database": "none"},
        # Other methods than those documented are tested apart.
        "phases": {"coverage": {"unexpected-methods": []}},
    }
    config = schemathesis.Config.from_dict(settings)
    endless = [op.id for op in operations() if op.endless]
    found = schemathesis.openapi.from_dict(document(), config=config)
    return found.exclude(operation_id=endless) if endless else found


@dataclass(frozen=True)
class Sender:
    """Sends generated requests to a running server."""

    base_url: str
    world: World
    session: requests.Session
    tokens: tuple[str | None, ...]

    def send(self, case: schemathesis.Case) -> schemathesis.Response:
        """The answer. Who asks, and at which thing, follows from the request alone."""
        chosen = zlib.crc32(
            repr((case.method, case.path, case.path_parameters, case.query, case.body)).encode()
        )
        self._aim(case, chosen >> 8)
        token = self.tokens[chosen % len(self.tokens)]
        return case.call(**self.at(token))

    def at(self, token: str | None) -> dict[str, Any]:
        """Where a request goes, and as whom."""
        headers = {"Authorization": f"Bearer {token}"} if token else None
        return {
            "base_url": self.base_url,
            "session": self.session,
            "headers": headers,
            "timeout": SECONDS,
        }

    def _aim(self, case: schemathesis.Case, chosen: int) -> None:
        """Put things that are there where a well-formed id stands, three times of four."""
        for name, kind in parameters(case.path).items():
            if chosen % 4 and well_formed(case.path_parameters.get(name), kind):
                values = self.world.named[kind]
                case.path_parameters[name] = values[(chosen >> 2) % len(values)]


def well_formed(given: object, kind: str) -> bool:
    """Whether a generated value could name a thing of this kind."""
    text = str(given)
    if kind in NUMBERS:
        return text.isdigit()
    if kind in CODES:
        return text.isascii() and text.isprintable()
    try:
        UUID(text)
    except ValueError:
        return False
    return True
