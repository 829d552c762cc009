"""Out-of-list dispatch approvals for tests: asked for, and brought into any state over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
import httpx
import psycopg

from service.config import Settings
from service.db import Database
from service.duties.actions import expire_approvals, use_approval
from service.kit import clock
from service.kit.ids import uuid7
from tests.cases import Place
from tests.people import Person

PATH = "/v1/dispatch-approvals"
# Not on the list: the county took it back (see data/duties.json).
OUTSIDE = "1004"
NEEDED: dict[str, dict[str, Any]] = {
    "opinion": {"agrees": True, "text": "同意"},
    "approve": {},
    "deny": {"note": "由县局自行处置"},
    "withdraw": {},
}
# Each step that is asked for over HTTP: from which state it is tried, and by whom.
DOERS = {
    "opinion": ("requested", "township"),
    "approve": ("opinion_given", "second_county"),
    "deny": ("opinion_given", "second_county"),
    "withdraw": ("requested", "county"),
}
OPERATIONS = {
    "opinion": "give_dispatch_opinion",
    "approve": "approve_dispatch",
    "deny": "deny_dispatch",
    "withdraw": "withdraw_dispatch_approval",
}
PATHS: dict[str, tuple[str, ...]] = {
    "requested": (),
    "opinion_given": ("opinion",),
    "approved": ("opinion", "approve"),
    "denied": ("opinion", "deny"),
    "withdrawn": ("withdraw",),
}


class Approvals:
    """The approvals of one place: its county asks, its township is heard."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def body(self, **changes: Any) -> dict[str, Any]:
        """A request that is accepted, with `changes`."""
        return {
            "case_id": str(uuid7()),
            "category": OUTSIDE,
            "grid_code": self.place.spot.grid,
            "target_area": self.place.spot.township,
            "reason": "专项整治期间人手不足",
            **changes,
        }

    async def ask(self, by: Person | None = None, **changes: Any) -> dict[str, Any]:
        """A new request's answer."""
        answer = await (by or self.place.county).post(PATH, self.body(**changes))
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def act(
        self, by: Person, approval: dict[str, Any] | str, action: str, /, **more: Any
    ) -> httpx.Response:
        """The answer to one step; needed members that are not given are filled in."""
        found = approval["id"] if isinstance(approval, dict) else approval
        headers = more.pop("headers", None)
        body = {**NEEDED[action], **more}
        return await by.post(f"{PATH}/{found}/{action}", body, headers=headers)

    async def bring_to(self, state: str, **changes: Any) -> dict[str, Any]:
        """An approval in `state`, one of PATHS."""
        made = await self.ask(**changes)
        for action in PATHS[state]:
            answer = await self.act(getattr(self.place, DOERS[action][1]), made, action)
            assert answer.status_code == 200, f"{action}: {answer.text}"
            made = answer.json()
        assert made["state"] == state
        return made


async def use(db: Database, approval: dict[str, Any], actor: UUID, **changes: Any) -> None:
    """Use the approval as a dispatch does: on the writer's connection, in a transaction."""
    dispatch = {
        "case_id": UUID(approval["case_id"]),
        "category": approval["category"],
        "target_area": approval["target"]["area"],
        "target_unit": approval["target"]["unit"],
        "actor_id": actor,
        "role": "county_dispatcher",
        "now": clock.now(),
    }
    async with db.writes.acquire() as connection, connection.transaction():
        await use_approval(connection, UUID(approval["id"]), **{**dispatch, **changes})


def run_out(settings: Settings, approval: dict[str, Any]) -> None:
    """Let the approval's time be over."""
    with psycopg.connect(settings.dsn) as connection:
        connection.execute(
            "UPDATE dispatch_approval SET expires_at = now() - interval '1 second' WHERE id = %s",
            (approval["id"],),
        )


async def expire(settings: Settings, *, most: int = 500) -> int:
    """What the periodic job does: how many were marked."""
    async with asyncpg.create_pool(settings.dsn, min_size=1, max_size=2) as owner:
        return await expire_approvals(owner, most=most)
