"""Consoles and history by themselves: who concerns whom, what is kept, what becomes of the slow."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from service.auth.permissions import Role
from service.auth.subject import Grant, Subject
from service.dispatch.errors import BadEventId
from service.dispatch.stream.consoles import BUFFERED, Console, Consoles
from service.dispatch.stream.history import History
from service.dispatch.stream.ids import START, EventIds, Place
from service.kit.ids import uuid7

IDS = EventIds(b"a key for tests")
GRID = "511723100200001"


def subject(*grants: Grant) -> Subject:
    return Subject(uuid7(), "t", "测试员", grants, datetime.now(UTC))


def console(*grants: Grant, after: Place = START) -> Console:
    who = subject(*grants)
    return Console(who, IDS.owner(who.account_id), after)


def row(event: int, case: UUID, **changes: Any) -> dict[str, Any]:
    return {
        "xact": "7", "id": event, "case_id": case, "named_unit": None, "grid_code": GRID,
        "unit_code": None, "co_units": [], "concerns_unit": None, "body": f'{{"n":{event}}}',
        **changes,
    }  # fmt: skip


async def sent(open_console: Console) -> str:
    """All that waits, up to the end."""
    open_console.end("closing")
    return b"".join([chunk async for chunk in open_console.chunks()]).decode()


WORKER, VILLAGE = Grant(Role.GRID_WORKER, GRID), Grant(Role.VILLAGE_DISPATCHER, GRID[:12])
HANDLER = Grant(Role.UNIT_HANDLER, "511723", "a")
REACHES: list[tuple[tuple[Grant, ...], dict[str, Any], bool]] = [
    ((WORKER,), {}, True),
    ((VILLAGE,), {}, True),
    ((Grant(Role.TOWNSHIP_DISPATCHER, GRID[:9]),), {}, True),
    ((Grant(Role.AUDITOR, GRID[:6]),), {}, True),
    ((Grant(Role.GRID_WORKER, "511723100200002"),), {}, False),
    ((Grant(Role.TOWNSHIP_DISPATCHER, "511723101"),), {}, False),
    ((Grant(Role.PROXY_AGENT, GRID[:12]),), {}, False),
    ((Grant(Role.ADMINISTRATOR, GRID[:6]),), {}, False),
    ((HANDLER,), {}, False),
    ((HANDLER,), {"unit_code": "a"}, True),
    ((HANDLER,), {"unit_code": "b"}, False),
    ((HANDLER,), {"unit_code": "b", "co_units": ["c", "a"]}, True),
    ((HANDLER, WORKER), {"concerns_unit": "a"}, False),
    ((HANDLER,), {"unit_code": "a", "concerns_unit": "a"}, False),
    ((WORKER,), {"concerns_unit": "a"}, True),
]


@pytest.mark.parametrize(("grants", "changes", "told"), REACHES)
async def test_an_event_goes_to_whom_it_concerns(
    grants: tuple[Grant, ...], changes: dict[str, Any], told: bool
) -> None:
    consoles, one = Consoles(), console(*grants)
    consoles.add(one)
    consoles.deliver(History(IDS, 10).add([row(1, uuid7(), **changes)]))
    assert ('data: {"n":1}' in await sent(one)) == told


async def test_an_event_is_told_once_to_who_has_it_already() -> None:
    history = History(IDS, 10)
    entries = history.add([row(n, uuid7()) for n in (1, 2, 3)])
    one = console(WORKER, after=Place(7, 2))
    for entry in entries:
        one.take(entry)
    text = await sent(one)
    assert text.count("event: incident") == 1
    assert 'data: {"n":3}' in text


async def test_a_console_that_takes_nothing_is_sent_away_and_keeps_no_more() -> None:
    consoles, slow = Consoles(), console(WORKER)
    consoles.add(slow)
    consoles.deliver(History(IDS, 5_000).add([row(n, uuid7()) for n in range(2 * BUFFERED)]))
    assert slow.ended
    text = await asyncio.wait_for(sent(slow), 1)
    assert text.startswith("event: end\n")
    assert "too_slow" in text


def test_history_keeps_the_last_events_and_knows_where_it_begins() -> None:
    history = History(IDS, 100)
    for n in range(1, 1_001):
        history.add([row(n, uuid7())])
    assert history.position == Place(7, 1_000)
    assert Place(7, 800) < history.floor <= Place(7, 900)
    assert [e.place.event for e in history.after(Place(7, 990))] == list(range(991, 1_001))
    assert len(history.after(history.floor)) == 1_000 - history.floor.event


def test_a_history_that_was_full_at_the_start_begins_with_its_first_event() -> None:
    full, short = History(IDS, 10), History(IDS, 11)
    rows = [row(n, uuid7()) for n in range(10, 0, -1)]
    full.begin(rows)
    short.begin(rows)
    assert (full.floor, full.position) == (Place(7, 1), Place(7, 10))
    assert short.floor == START


async def test_after_a_start_a_unit_still_learns_that_a_case_has_left_it() -> None:
    case, history = uuid7(), History(IDS, 10)
    now = {"unit_code": "b"}
    history.begin(
        [row(3, case, **now), row(2, case, named_unit="b", **now),
         row(1, case, named_unit="a", **now)]
    )  # fmt: skip
    one = console(HANDLER)
    one.open_with(one.frames_of(history.after(START)))
    text = await sent(one)
    assert text.count("event: gone") == 1
    assert "event: incident" not in text


@pytest.mark.parametrize("place", [START, Place(1, 2), Place(2**64 - 1, 2**63)])
def test_an_id_leads_back_to_its_place_for_its_owner_alone(place: Place) -> None:
    mine, other = uuid7(), uuid7()
    text = f"{IDS.shared(place).decode()}.{IDS.owner(mine).decode()}"
    assert IDS.read(text, mine) == place
    for wrong, account in (
        (text, other), (text[1:], mine), (text + "A", mine), (text.replace(".", ""), mine),
        ("", mine), (".", mine), (text.swapcase(), mine), (f"{text}.{text}", mine),
    ):  # fmt: skip
        with pytest.raises(BadEventId):
            IDS.read(wrong, account)
