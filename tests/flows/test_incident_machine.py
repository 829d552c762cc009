"""Random lives over HTTP: anybody tries anything at any time, under a moved clock and sweeps, and
after each step the case still makes sense."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from psycopg.rows import dict_row

from service.incidents.case import OPEN_COLUMNS
from service.incidents.sweeping import Sweep
from service.incidents.workflow import CLOSED_STATES, INCIDENT
from service.kit import clock
from service.kit.ids import uuid7
from tests.cases import NEEDED, OTHER_UNIT, UNIT, Place
from tests.people import People, Person
from tests.worktimes import enter_years

T = TypeVar("T")
# Category → a duration that it may be extended by: an emergency, urgent, ordinary, difficult.
CATEGORIES = {"0301": "1h", "0502": "30min", "0601": "1wh", "0504": "1wd"}
ACTIONS = [step.action for step in INCIDENT.steps if step.sources and not step.automatic]
PEOPLE = (
    "worker", "second_worker", "village", "township", "county", "second_county", "handler",
    "other_handler", "auditor", "system",
)  # fmt: skip
GAPS = (1, 60, 1_200, 3_600, 6 * 3_600, 86_400, 3 * 86_400)
HANDLING = frozenset({"arrive", "handle", "submit", "self-handle"})
JUDGING = frozenset({"verify", "close", "rework"})
ONWARD = frozenset({
    "accept", "assign", "transfer", "arrive", "handle", "submit", "verify", "close", "rework",
    "return", "suspend", "resume", "extend", "approve-extension", "reopen",
})  # fmt: skip
RELEASING = frozenset({"return", "escalate", "reopen"})
# What may move the limit of the whole case; a reopened case begins anew.
MOVING = frozenset({"resume", "approve-extension", "rework", "report", "count"})

MIRROR = " AND ".join(f"o.{n} IS NOT DISTINCT FROM {e}" for n, e in OPEN_COLUMNS.items())
ROW = f"""
SELECT s.*, o.incident_id IS NOT NULL AS mirrored, coalesce({MIRROR}, false) AS mirrors
FROM incident s LEFT JOIN open_incident o ON o.incident_id = s.id WHERE s.id = %s
"""


@dataclass
class World:
    """Everybody, the running service, and the hands of its clock."""

    place: Place
    stranger: Person
    sweep: Sweep
    loop: asyncio.AbstractEventLoop
    rows: psycopg.Connection[dict[str, Any]]
    began: datetime
    now: datetime

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do `work` in the loop that the service lives in."""
        return self.loop.run_until_complete(work)

    def who(self, name: str) -> Person:
        found: Person = self.stranger if name == "stranger" else getattr(self.place, name)
        return found


@pytest.fixture(scope="module")
async def settled(
    app: FastAPI, places: list[Place], people: People, database_url: str
) -> tuple[World, FastAPI]:
    """The world before its clock is moved; tokens hold for as long as it may be."""
    here, there = places[0], places[1]
    await enter_years(here.administrator)
    now = clock.now().replace(microsecond=0)
    rows = psycopg.connect(database_url, autocommit=True, row_factory=dict_row)
    sweep = Sweep(app.state.db)
    world = World(here, there.village, sweep, asyncio.get_running_loop(), rows, now, now)
    for name in (*PEOPLE, "stranger"):
        who = world.who(name)
        token = app.state.tokens.issue(who.id, uuid7(), now + timedelta(days=3_650))
        who.http.headers["authorization"] = f"Bearer {token}"
    return world, app


@pytest.fixture
def world(settled: tuple[World, FastAPI], monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    found = settled[0]
    monkeypatch.setattr(clock, "now", lambda: found.now)
    with found.rows:
        yield found


class Machine(RuleBasedStateMachine):
    """One case from its report on."""

    world: World

    @initialize(category=st.sampled_from(sorted(CATEGORIES)))
    def report(self, category: str) -> None:
        world = self.world
        world.now = world.began
        self.category = category
        self.id = world.run(world.place.report(category=category))["id"]
        self.last: tuple[Person, str, dict[str, Any], str, bytes] | None = None
        self.finish_due: datetime | None = None
        self.events: list[dict[str, Any]] = []
        self.version = 1

    def body(self, action: str, choice: int) -> dict[str, Any]:
        """What the action needs; who it is assigned to is drawn."""
        needed = dict(NEEDED.get(action, {}))
        if action in ("assign", "transfer"):
            to = (UNIT, OTHER_UNIT, "worker", "county")[choice % 4]
            is_unit = to in (UNIT, OTHER_UNIT)
            needed = {"unit": to} if is_unit else {"account": str(self.world.who(to).id)}
        if action == "extend":
            needed["duration"] = CATEGORIES[self.category]
        if action == "verify":
            needed["result"] = "passed" if choice % 3 else "failed"
        return needed

    async def post(
        self, who: Person, action: str, body: dict[str, Any], key: str, **headers: str
    ) -> httpx.Response:
        """The answer; whatever is asked, the service itself never fails."""
        headers = {"idempotency-key": key, **headers}
        path = f"/v1/incidents/{self.id}/{action}"
        answer = await who.post(
            path, body, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )
        assert answer.status_code < 500, answer.text
        return answer

    async def offered(self, who: Person) -> list[str]:
        """The buttons that `who` is shown."""
        seen = await who.get(f"/v1/incidents/{self.id}")
        assert seen.status_code in (200, 404), seen.text
        found: list[str] = seen.json()["available_actions"] if seen.status_code == 200 else []
        return found

    async def take(self, who: Person, action: str, choice: int) -> None:
        """An action succeeds exactly when it was offered; otherwise nothing changes."""
        offered = await self.offered(who)
        body, key = self.body(action, choice), str(uuid7())
        answer = await self.post(who, action, body, key)
        is_done = answer.status_code == 200
        assert is_done == (action in offered), f"{who.login} {action} {offered}: {answer.text}"
        if is_done:
            assert answer.json()["version"] == self.version + 1
            self.last = (who, action, body, key, answer.content)
        else:
            assert answer.status_code in (403, 404, 409), answer.text
            shown = await self.world.place.county.get(f"/v1/incidents/{self.id}")
            assert shown.json()["version"] == self.version

    def offers(self) -> list[tuple[str, str]]:
        """Everything that anybody may do now, as (who, action)."""

        async def asked() -> list[list[str]]:
            return await asyncio.gather(*(self.offered(self.world.who(n)) for n in PEOPLE))

        found = zip(PEOPLE, self.world.run(asked()), strict=True)
        return [(name, action) for name, actions in found for action in actions]

    @rule(choice=st.integers(0, 1_000_000))
    def act_as_offered(self, choice: int) -> None:
        if offers := self.offers():
            name, action = offers[choice % len(offers)]
            self.world.run(self.take(self.world.who(name), action, choice))

    @rule(choices=st.lists(st.integers(0, 1_000_000), min_size=1, max_size=6))
    def go_on(self, choices: list[int]) -> None:
        """The case lives on, so that lives grow old; a minute lies between two steps."""
        for choice in choices:
            if onward := [(n, a) for n, a in self.offers() if a in ONWARD]:
                action = sorted({a for _, a in onward})[choice % len({a for _, a in onward})]
                names = [n for n, a in onward if a == action]
                self.world.run(
                    self.take(self.world.who(names[choice % len(names)]), action, choice)
                )
                self.everything_holds()
            self.world.now += timedelta(minutes=1)

    @rule(
        name=st.sampled_from([*PEOPLE, "stranger"]),
        action=st.sampled_from(ACTIONS),
        choice=st.integers(0, 1_000),
    )
    def act_anyhow(self, name: str, action: str, choice: int) -> None:
        self.world.run(self.take(self.world.who(name), action, choice))

    @rule(
        acts=st.lists(
            st.tuples(st.sampled_from(PEOPLE), st.sampled_from(ACTIONS)), min_size=2, max_size=4
        )
    )
    def act_at_once(self, acts: list[tuple[str, str]]) -> None:
        """Several people and a sweep at the same moment."""

        async def together() -> None:
            world = self.world
            posts = [
                self.post(world.who(name), action, self.body(action, n), str(uuid7()))
                for n, (name, action) in enumerate(acts)
            ]
            await asyncio.gather(*posts, world.sweep.run())

        self.world.run(together())

    @rule(name=st.sampled_from(PEOPLE), action=st.sampled_from(ACTIONS))
    def act_on_an_old_version(self, name: str, action: str) -> None:
        if self.version > 1:
            who, old = self.world.who(name), f'"{self.version - 1}"'
            body = self.body(action, 0)
            answer = self.world.run(self.post(who, action, body, str(uuid7()), if_match=old))
            assert answer.status_code in (403, 404, 412), answer.text

    @rule()
    def repeat_the_last_act(self) -> None:
        if self.last is not None:
            who, action, body, key, first = self.last
            again = self.world.run(self.post(who, action, body, key))
            assert (again.status_code, again.content) == (200, first)

    @rule(seconds=st.sampled_from(GAPS))
    def wait(self, seconds: int) -> None:
        self.world.now += timedelta(seconds=seconds)

    @rule(seconds=st.sampled_from((0, *GAPS)))
    def sweep(self, seconds: int) -> None:
        self.world.now += timedelta(seconds=seconds)
        self.world.run(self.world.sweep.run())
        alarm = self.row()["next_alarm_at"]
        assert alarm is None or alarm > self.world.now

    def row(self) -> dict[str, Any]:
        found = self.world.rows.execute(ROW, (self.id,)).fetchone()
        assert found is not None
        return found

    @invariant()
    def everything_holds(self) -> None:
        row = self.row()
        auditor = self.world.place.auditor
        answer = self.world.run(auditor.get(f"/v1/incidents/{self.id}/timeline"))
        seen, self.events = len(self.events), answer.json()["items"]
        explained(row, self.events)
        judged_by_others(self.events)
        no_deadline_is_lost(row)
        assert row["mirrored"] == (row["state"] not in CLOSED_STATES)
        assert row["mirrors"] or not row["mirrored"]
        assert row["unit_code"] is None or row["assignee_id"] is None
        self.limits_stand(row, {event["action"] for event in self.events[seen:]})
        self.version = row["version"]

    def limits_stand(self, row: dict[str, Any], done: set[str]) -> None:
        """The limit of the whole case moves for a reason and, but for a reopening, only later."""
        before, after = self.finish_due, row["finish_due"]
        if before is not None and before != after and "reopen" not in done:
            assert done & MOVING, done
            assert after > before
        self.finish_due = after


def explained(row: dict[str, Any], events: list[dict[str, Any]]) -> None:
    """The events alone tell the state, the tier and the holder; their times never run back."""
    state, tier, unit, account = None, 1, None, None
    for event in events:
        payload, action = event["payload"], event["action"]
        assert event["from_state"] == state
        step = INCIDENT.step(action)
        assert event["to_state"] == (step.target or state)
        assert state is None or state in step.sources
        state, tier = event["to_state"], payload.get("to_tier", tier)
        if action in RELEASING:
            unit = account = None
        elif action in ("assign", "transfer"):
            unit, account = payload["unit"], payload["assignee"]
        elif "assignee" in payload:
            account = payload["assignee"]
    holder = row["assignee_id"] and str(row["assignee_id"])
    assert (state, tier, unit, account) == (row["state"], row["tier"], row["unit_code"], holder)
    assert [event["seq"] for event in events] == list(range(1, row["version"] + 1))
    times = [datetime.fromisoformat(event["recorded_at"]) for event in events]
    assert times == sorted(times)
    assert times[-1] == row["last_event_at"]


def judged_by_others(events: list[dict[str, Any]]) -> None:
    """Nobody who has handled the case judges it."""
    handlers: set[UUID] = set()
    for event in events:
        if event["action"] in JUDGING:
            assert event["actor_id"] not in handlers, event
        if event["action"] in HANDLING:
            handlers.add(event["actor_id"])


def no_deadline_is_lost(row: dict[str, Any]) -> None:
    """A case that runs has a limit to the whole of it, and an alarm while a mark is unmet."""
    clocks, alarm = row["clocks"], row["next_alarm_at"]
    if row["state"] in CLOSED_STATES or row["suspended_at"] is not None:
        assert alarm is None
        assert (row["state"] == "suspended") == (row["suspended_at"] is not None)
        return
    assert clocks.keys() & {"finish", "close"}
    unmet = []
    for name, (_, amber, due, supervise, done, _) in clocks.items():
        assert done >= 0, "every year that a limit may end in is entered"
        assert amber <= due <= supervise
        unmet += [amber, due, supervise][done : 2 if name == "tier" else 3]
    assert alarm == (datetime.fromtimestamp(min(unmet), alarm.tzinfo) if unmet else None)


def test_no_life_goes_wrong(world: World) -> None:
    Machine.world = world
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=60,
            stateful_step_count=30,
            derandomize=True,
            deadline=None,
            print_blob=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
