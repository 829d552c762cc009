"""What was done under a clause: counted from time to time, right at any moment, cheap to read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import psycopg
import pytest
from fastapi import FastAPI

from service.incidents.workflow import INCIDENT
from service.kit import event_log
from service.kit.audit import WritersStillRunning
from service.kit.ids import uuid7
from service.plan import evidence, schemas, store
from service.plan.evidence import EvidenceBlind, refresh_evidence
from service.plan.fulfilment import CLOSED, KINDS
from tests.people import People, Person

COUNTY = "511723"
GRID = "511723100200001"
START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
LIFE = ("report", "accept", "handle", "submit", "verify", "close")

ADD_INCIDENT = """
INSERT INTO incident (id, number, category_code, category_version, level, channel, description,
  occurred_at, reported_at, reporter_id, state, tier, version, head_hash, last_event_at,
  county_code, township_code, village_code, grid_code, location, raw_x, raw_y, raw_crs, cell,
  handler_ids, returns, clauses)
VALUES (%(id)s, %(number)s, '0601', 1, 3, 'grid', 'rubbish', %(at)s, %(at)s, %(id)s, 'reported',
  1, 1, '', %(at)s, left(%(grid)s, 6), left(%(grid)s, 9), left(%(grid)s, 12), %(grid)s,
  ST_SetSRID(ST_MakePoint(107.8, 31.1), 4490), 107.8, 31.1, 'cgcs2000', 1, '{}', 0, '{23.2}')
"""
ADD_EVENT = """
INSERT INTO case_event (case_kind, case_id, seq, event, action, from_state, to_state, clauses,
  recorded_at, occurred_at, payload, prev_hash, hash)
VALUES ('incident', %s, %s, %s, %s, %s, %s, %s, %s, %s, '{}', '', '') RETURNING id
"""


@dataclass
class Case:
    """An incident whose events are written one by one, each with the case's clauses."""

    connection: psycopg.Connection[tuple[Any, ...]]
    clauses: tuple[str, ...] = ("23.2",)
    id: UUID = field(default_factory=uuid7)
    seq: int = 0
    state: str | None = None

    def do(self, *actions: str, more: tuple[str, ...] = ()) -> Case:
        """Append the events of these actions; `more` are clauses of the step alone."""
        for action in actions:
            step = INCIDENT.step(action)
            self.seq += 1
            at = START + timedelta(seconds=self.seq)
            values = (self.id, self.seq, step.event, action, self.state, step.target,
                      [*self.clauses, *more], at, at)  # fmt: skip
            self.connection.execute(ADD_EVENT, values)
            self.state = step.target
        return self


@pytest.fixture
def writer(database_url: str) -> Any:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture(scope="module")
def worker(people: People) -> Person:
    return people.make(("grid_worker", GRID))


async def evidence_of(who: Person, clause: str) -> schemas.clauses.ClauseEvidence:
    answer = await who.get(f"/v1/plan/clauses/{clause}")
    assert answer.status_code == 200, answer.text
    return schemas.MeasureDetail.model_validate(answer.json()).evidence


async def figures(who: Person, clause: str) -> tuple[int, int, int, int]:
    """Events; cases in all, open, closed."""
    found = await evidence_of(who, clause)
    [cases] = [c for c in found.cases if c.case_kind == "incident"]
    assert found.events == sum(row.events for row in found.by_event)
    return found.events, cases.total, cases.open, cases.closed


async def test_counts_are_right_before_and_after_and_between_refreshes(
    worker: Person, writer: Any, owner: asyncpg.Connection
) -> None:
    Case(writer, ("1.1",)).do(*LIFE)
    Case(writer, ("1.1",)).do("report", "accept")
    assert await figures(worker, "1.1") == (8, 2, 1, 1)
    assert await refresh_evidence(owner) >= 8
    assert await figures(worker, "1.1") == (8, 2, 1, 1)
    case = Case(writer, ("1.1",)).do("report")
    assert await figures(worker, "1.1") == (9, 3, 2, 1)
    await refresh_evidence(owner)
    case.do("void")
    assert await figures(worker, "1.1") == (10, 3, 1, 2)
    assert await refresh_evidence(owner) == 1
    assert await refresh_evidence(owner) == 0
    assert await figures(worker, "1.1") == (10, 3, 1, 2)


async def test_a_case_that_is_reopened_is_open_again(
    worker: Person, writer: Any, owner: asyncpg.Connection
) -> None:
    Case(writer, ("1.2",)).do("report", "self-handle", "follow-up", "reopen")
    assert await figures(worker, "1.2") == (4, 1, 1, 0)
    await refresh_evidence(owner)
    Case(writer, ("1.2",)).do("report", "reject")
    assert await figures(worker, "1.2") == (6, 2, 1, 1)


async def test_a_step_that_names_more_clauses_than_its_case_counts_no_case_for_them(
    worker: Person, writer: Any, owner: asyncpg.Connection
) -> None:
    Case(writer, ("2.1",)).do(*LIFE[:-1]).do("close", more=("2.2",))
    assert await figures(worker, "2.2") == (1, 0, 0, 0)
    await refresh_evidence(owner)
    assert await figures(worker, "2.2") == (1, 0, 0, 0)
    assert await figures(worker, "2.1") == (6, 1, 0, 1)


async def test_each_step_of_a_workflow_shows_how_often_it_was_done_and_when_last(
    worker: Person, writer: Any, owner: asyncpg.Connection
) -> None:
    Case(writer, ("18.1", "23.2")).do("report", "accept", "handle", "handle")
    await refresh_evidence(owner)
    Case(writer, ("18.1", "23.2")).do("report")
    body = (await worker.get("/v1/plan/clauses/18.1")).json()
    [workflow] = schemas.MeasureDetail.model_validate(body).workflows
    steps = {s.action: (s.events, s.named) for s in workflow.steps}
    assert steps == {"report": (2, False), "accept": (1, False), "handle": (2, False)}
    accepted = next(s for s in workflow.steps if s.action == "accept")
    assert accepted.last_at == START + timedelta(seconds=2)
    body = (await worker.get("/v1/plan/clauses/18")).json()
    measures = {m.clause: m for m in schemas.TaskDetail.model_validate(body).measures}
    assert measures["18.1"].evidence.events == 5
    assert measures["18.2"].evidence.events == 0


async def test_an_event_that_commits_late_is_waited_for_and_not_lost(
    worker: Person, writer: Any, owner: asyncpg.Connection, database_url: str
) -> None:
    with psycopg.connect(database_url) as late:
        Case(late, ("3.2",)).do("report")  # has its id, and is not committed
        Case(writer, ("3.2",)).do("report")
        running = asyncio.create_task(refresh_evidence(owner))
        await asyncio.sleep(0.3)
        assert not running.done()
        assert await figures(worker, "3.2") == (1, 1, 1, 0)
        Case(writer, ("3.2",)).do("report")  # begun later: nobody waits for it
        late.commit()
    await asyncio.wait_for(running, 5)
    assert await figures(worker, "3.2") == (3, 3, 3, 0)
    await refresh_evidence(owner)
    assert await figures(worker, "3.2") == (3, 3, 3, 0)


async def test_a_writer_that_never_ends_postpones_the_count_and_loses_nothing(
    worker: Person, writer: Any, owner: asyncpg.Connection, database_url: str
) -> None:
    await refresh_evidence(owner)
    with psycopg.connect(database_url) as late:
        Case(late, ("3.3",)).do("report")
        Case(writer, ("3.3",)).do("report")
        with pytest.raises(WritersStillRunning):
            await refresh_evidence(owner, patience=0.1)
        assert await figures(worker, "3.3") == (1, 1, 1, 0)
        late.rollback()
    assert await refresh_evidence(owner) == 2  # two ids were drawn, one event is there
    assert await figures(worker, "3.3") == (1, 1, 1, 0)


async def test_counting_at_the_same_time_counts_each_event_once(
    worker: Person, writer: Any, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "CHUNK", 7)
    for _ in range(10):
        Case(writer, ("4.1",)).do(*LIFE)
    owners = [await asyncpg.connect(database_url) for _ in range(3)]
    await asyncio.gather(*(refresh_evidence(o) for o in owners))
    for o in owners:
        await o.close()
    assert await figures(worker, "4.1") == (60, 10, 0, 10)


async def test_the_newest_event_is_told_to_who_may_read_its_case_and_only_its_time_to_others(
    worker: Person, people: People, writer: Any, owner: asyncpg.Connection
) -> None:
    case = Case(writer, ("4.2",)).do("report")
    number = f"{COUNTY}-260302-{case.id.hex[-7:]}"
    writer.execute(ADD_INCIDENT, {"id": case.id, "number": number, "at": START, "grid": GRID})
    stranger = people.make(("grid_worker", "511723999999001"))
    for _ in range(2):
        last = (await evidence_of(worker, "4.2")).last
        assert last is not None
        assert (last.event, last.action, last.case_number, last.case_id) == (
            "incident.reported", "report", number, case.id,
        )  # fmt: skip
        hidden = (await evidence_of(stranger, "4.2")).last
        assert hidden is not None
        assert (hidden.at, last.at) == (START + timedelta(seconds=1),) * 2
        assert (hidden.event, hidden.case_id, hidden.case_number) == (None, None, None)
        assert await figures(stranger, "4.2") == (1, 1, 1, 0)
        await refresh_evidence(owner)


async def test_events_of_quiet_rooms_are_evidence_too(app: FastAPI, worker: Person) -> None:
    async with app.state.db.session(worker.id) as session:
        await event_log.append(
            session, "delineation", uuid7(), event="delineation.published", action="publish",
            actor_id=worker.id, clauses=("5.1",), now=START,
        )  # fmt: skip
        await session.commit()
    found = await evidence_of(worker, "5.1")
    assert [(r.case_kind, r.event, r.events) for r in found.by_event] == [
        ("delineation", "delineation.published", 1)
    ]
    assert found.cases[0].total == 0
    assert found.last is not None
    assert (found.last.event, found.last.case_number) == ("delineation.published", None)


async def test_coverage_counts_the_clauses_that_have_evidence(worker: Person, writer: Any) -> None:
    async def number() -> int:
        body = (await worker.get("/v1/plan/coverage")).json()
        return schemas.Coverage.model_validate(body).figures.clauses_with_evidence.numerator

    before = await number()
    Case(writer, ("6.1", "99.9")).do("report")
    assert await number() == before + 1


async def test_reading_touches_only_the_events_since_the_last_count(
    writer: Any, owner: asyncpg.Connection, database_url: str
) -> None:
    with writer.transaction():
        for _ in range(300):
            Case(writer).do(*LIFE)
    writer.execute("ANALYZE case_event")
    await refresh_evidence(owner)
    for _ in range(3):
        Case(writer).do("report")
    fresh = await asyncpg.connect(database_url)
    await fresh.fetch(store.EVIDENCE, KINDS, CLOSED, ["23.2"])
    touched = await fresh.fetchrow(
        "SELECT seq_tup_read, idx_tup_fetch FROM pg_stat_xact_user_tables"
        " WHERE relname = 'case_event'"
    )
    await fresh.close()
    assert touched["seq_tup_read"] == 0
    assert 3 <= touched["idx_tup_fetch"] < 20


async def test_the_application_reads_counts_and_nothing_else(app: FastAPI) -> None:
    reads = app.state.db.reads
    assert await reads.fetch(store.EVIDENCE, KINDS, CLOSED, ["23.2"]) is not None
    for forbidden in (
        "SELECT * FROM plan_evidence",
        "UPDATE plan_evidence_mark SET event_id = 0",
        "SELECT * FROM gw_count_plan_evidence(0, 9, '{}', '{}')",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reads.execute(forbidden)
    async with reads.acquire() as connection:
        with pytest.raises(EvidenceBlind):
            await refresh_evidence(connection)
