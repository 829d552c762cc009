"""What a dispatch leans on: judged by list and approval, used once, ended by time, walled."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import psycopg
import pytest
from fastapi import FastAPI

from service.commands.audit import CASE_TABLES
from service.config import Settings
from service.db import APP_ROLE, WRITER_ROLE, as_actor
from service.duties.actions import judge_dispatch, use_approval
from service.duties.case import APPROVALS
from service.duties.errors import ApprovalExpired, ApprovalMismatch, OutsideDutyList
from service.duties.judging import Verdict
from service.duties.workflow import APPROVAL
from service.errors import Busy, NotFound
from service.jobs.tasks import jobs
from service.kit import clock
from service.kit.audit import verify
from service.kit.ids import uuid7
from service.kit.quiet_cases import Deed
from service.kit.workflow import ActionNotAllowed
from tests.cases import Place
from tests.duties import PATH, Approvals, expire, run_out, use

JSON = dict[str, Any]


@pytest.fixture(scope="module")
def approvals(place: Place) -> Approvals:
    return Approvals(place)


async def judged(app: FastAPI, approval: JSON, **changes: Any) -> Verdict:
    """The verdict on the dispatch that the approval is for."""
    dispatch = {
        "case_id": UUID(approval["case_id"]),
        "category": approval["category"],
        "from_tier": 4,
        "target_area": approval["target"]["area"],
        "target_tier": 3,
    }
    return await judge_dispatch(app.state.db.writes, app.state.duties, **{**dispatch, **changes})


async def test_a_dispatch_is_allowed_by_the_list_without_any_approval(
    app: FastAPI, approvals: Approvals
) -> None:
    made = await approvals.bring_to("approved")
    verdict = await judged(app, made, category="0601")
    assert (verdict.ground, verdict.approval_id) == ("listed", None)
    assert verdict.item is not None
    assert verdict.item.code == "T0601"
    verdict.require()


@pytest.mark.parametrize("state", ["requested", "opinion_given", "denied", "withdrawn"])
async def test_outside_the_list_only_an_approval_helps(
    app: FastAPI, approvals: Approvals, state: str
) -> None:
    verdict = await judged(app, await approvals.bring_to(state))
    assert (verdict.ground, verdict.approval_id, verdict.clause) == ("outside", None, "35.2")
    with pytest.raises(OutsideDutyList) as caught:
        verdict.require()
    assert caught.value.clause == "35.2"


async def test_an_approval_allows_its_own_dispatch_and_no_other(
    app: FastAPI, approvals: Approvals, place: Place
) -> None:
    made = await approvals.bring_to("approved")
    verdict = await judged(app, made)
    assert (verdict.ground, str(verdict.approval_id)) == ("approved", made["id"])
    verdict.require()
    others: list[JSON] = [
        {"case_id": uuid7()},
        {"category": "0702"},
        {"target_area": place.spot.village, "target_tier": 2},
        {"target_area": "511723205"},
    ]
    for change in others:
        assert (await judged(app, made, **change)).ground == "outside", change


async def test_an_approval_for_a_unit_is_not_for_another(
    app: FastAPI, approvals: Approvals, place: Place, settings: Settings
) -> None:
    with psycopg.connect(settings.dsn) as connection:
        connection.execute(
            "INSERT INTO unit (code, name_zh, name_en, tier, area_code, active)"
            " VALUES ('t-station', '试验站', 'station', 3, %s, true)",
            (place.spot.township,),
        )
    made = await approvals.bring_to("approved", target_unit="t-station")
    assert (await judged(app, made)).ground == "outside"
    assert (await judged(app, made, target_unit="t-other")).ground == "outside"
    assert (await judged(app, made, target_unit="t-station")).ground == "approved"
    with pytest.raises(ApprovalMismatch):
        await use(app.state.db, made, place.county.id, target_unit="t-other")
    await use(app.state.db, made, place.county.id)


async def test_an_approval_is_used_once_however_many_dispatch_at_once(
    app: FastAPI, approvals: Approvals, place: Place
) -> None:
    made = await approvals.bring_to("approved")
    tried = await asyncio.gather(
        *(use(app.state.db, made, place.county.id) for _ in range(6)), return_exceptions=True
    )
    assert [type(t) for t in tried if t is not None] == [ActionNotAllowed] * 5
    shown = (await place.county.get(f"{PATH}/{made['id']}")).json()
    assert (shown["state"], shown["version"], shown["used_by"], shown["available_actions"]) == (
        "used", 4, str(place.county.id), [],
    )  # fmt: skip
    assert (await judged(app, made)).ground == "outside"


async def test_a_use_that_is_rolled_back_leaves_the_approval_good(
    app: FastAPI, approvals: Approvals, place: Place
) -> None:
    made = await approvals.bring_to("approved")

    class Undo(Exception):
        """The dispatch fails after all."""

    async def dispatch() -> None:
        async with app.state.db.writes.acquire() as connection, connection.transaction():
            await use_approval(
                connection, UUID(made["id"]), case_id=UUID(made["case_id"]),
                category=made["category"], target_area=made["target"]["area"], target_unit=None,
                actor_id=place.county.id, role="county_dispatcher", now=clock.now(),
            )  # fmt: skip
            raise Undo

    with pytest.raises(Undo):
        await dispatch()
    assert (await judged(app, made)).ground == "approved"
    await use(app.state.db, made, place.county.id)


async def test_a_case_that_was_not_held_is_never_overwritten(
    app: FastAPI, approvals: Approvals, place: Place
) -> None:
    made = await approvals.bring_to("approved")
    deed = Deed(place.county.id, "county_dispatcher", clock.now())
    async with app.state.db.session(place.county.id) as session:
        seen = await APPROVALS.hold(session, UUID(made["id"]))
    assert seen is not None
    await use(app.state.db, made, place.county.id)
    async with app.state.db.session(place.county.id) as session:
        with pytest.raises(Busy):
            await APPROVALS.advance(session, seen, APPROVAL.step("withdraw"), deed)
        await session.commit()
    shown = (await place.county.get(f"{PATH}/{made['id']}")).json()
    assert (shown["state"], shown["version"]) == ("used", 4)


async def test_a_quiet_session_uses_an_approval_too(
    app: FastAPI, approvals: Approvals, place: Place
) -> None:
    made = await approvals.bring_to("approved")
    async with app.state.db.session(place.county.id) as session:
        await use_approval(
            session, UUID(made["id"]), case_id=UUID(made["case_id"]), category=made["category"],
            target_area=made["target"]["area"], target_unit=None, actor_id=place.county.id,
            role="county_dispatcher", now=clock.now(),
        )  # fmt: skip
        await session.commit()
    assert (await place.county.get(f"{PATH}/{made['id']}")).json()["state"] == "used"


@pytest.mark.parametrize(
    ("changes", "failure"),
    [
        ({"case_id": UUID(int=1)}, ApprovalMismatch),
        ({"category": "0702"}, ApprovalMismatch),
        ({"target_area": "511723205"}, ApprovalMismatch),
        ({"now": clock.now() + timedelta(days=400)}, ApprovalExpired),
    ],
)
async def test_another_dispatch_does_not_use_it(
    app: FastAPI, approvals: Approvals, place: Place, changes: JSON, failure: type[Exception]
) -> None:
    made = await approvals.bring_to("approved")
    with pytest.raises(failure):
        await use(app.state.db, made, place.county.id, **changes)
    assert (await place.county.get(f"{PATH}/{made['id']}")).json()["version"] == 3


async def test_what_is_not_there_is_not_used(
    app: FastAPI, approvals: Approvals, place: Place
) -> None:
    made = await approvals.bring_to("approved")
    with pytest.raises(NotFound):
        await use(app.state.db, {**made, "id": str(uuid7())}, place.county.id)


async def test_time_ends_what_is_open_each_once_and_leaves_the_rest(
    app: FastAPI, approvals: Approvals, place: Place, settings: Settings
) -> None:
    await expire(settings)
    over = [await approvals.bring_to(s) for s in ("requested", "opinion_given", "approved")]
    kept = [await approvals.bring_to(s) for s in ("denied", "withdrawn")]
    good = await approvals.bring_to("approved")
    for made in (*over, *kept):
        run_out(settings, made)
    assert (await judged(app, over[2])).ground == "outside", "before it is marked, too"
    marked = await asyncio.gather(*(expire(settings, most=2) for _ in range(3)))
    assert sum(marked) == 3
    for made in over:
        shown = (await place.county.get(f"{PATH}/{made['id']}")).json()
        assert (shown["state"], shown["version"]) == ("expired", made["version"] + 1)
    for made in (*kept, good):
        shown = (await place.county.get(f"{PATH}/{made['id']}")).json()
        assert shown["state"] == made["state"]
    # Its place is free again.
    body = approvals.body(case_id=over[0]["case_id"])
    assert (await place.county.post(PATH, body)).status_code == 201


def test_time_is_watched_by_the_worker(settings: Settings) -> None:
    found = next(job for job in jobs(settings) if job.name == "duties.expire_approvals")
    assert found.cron == "*/15 * * * *"


async def test_the_wall_shows_an_approval_to_who_asked_and_who_is_concerned(
    app: FastAPI, places: list[Place], place: Place
) -> None:
    """Whatever the service would have asked, the database gives each caller the own rows alone."""
    made = await Approvals(place).ask(place.handler, target_area=place.spot.village)
    read = as_actor("SELECT d.id FROM dispatch_approval d WHERE d.id = $2")
    seen = {
        place.handler: 1, place.county: 1, place.township: 1, place.village: 1, place.auditor: 1,
        place.other_handler: 0, place.agent: 0, place.administrator: 0,
        places[1].township: 0, places[1].village: 0,
    }  # fmt: skip
    for who, rows in seen.items():
        found = await app.state.db.reads.fetch(read, str(who.id), UUID(made["id"]))
        assert len(found) == rows, who.login


@pytest.mark.parametrize("role", [APP_ROLE, WRITER_ROLE])
async def test_no_role_of_the_service_deletes_an_approval(database_url: str, role: str) -> None:
    connection = await asyncpg.connect(database_url, server_settings={"role": role})
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("DELETE FROM dispatch_approval")
    finally:
        await connection.close()


async def test_a_stranger_changes_nothing_past_the_service(
    app: FastAPI, approvals: Approvals, places: list[Place]
) -> None:
    made = await approvals.ask()
    async with app.state.db.session(places[1].township.id) as session:
        connection = await (await session.connection()).get_raw_connection()
        done = await connection.driver_connection.execute(
            "UPDATE dispatch_approval SET reason = 'x' WHERE id = $1", UUID(made["id"])
        )
    assert done == "UPDATE 0"


async def test_the_chains_of_approvals_verify_with_their_rows(
    app: FastAPI, approvals: Approvals, place: Place, settings: Settings
) -> None:
    made = await approvals.bring_to("approved")
    await use(app.state.db, made, place.county.id)
    with psycopg.connect(settings.dsn, autocommit=True) as owner:
        assert verify(owner, case_tables=CASE_TABLES).clean
        owner.execute(
            "UPDATE dispatch_approval SET state = 'approved' WHERE id = %s", (made["id"],)
        )
        report = verify(owner, case_tables=CASE_TABLES, case_id=UUID(made["id"]))
        owner.execute("UPDATE dispatch_approval SET state = 'used' WHERE id = %s", (made["id"],))
    assert [f.what for f in report.findings] == ["state_differs"]


async def test_approvals_are_evidence_of_their_clauses(
    app: FastAPI, approvals: Approvals, place: Place
) -> None:
    await approvals.bring_to("denied")
    found = (await place.county.get("/v1/plan/clauses/35.2")).json()
    assert found["status"] == "built"
    cases = {c["case_kind"]: c for c in found["evidence"]["cases"]}["dispatch_approval"]
    assert cases["total"] > 0
    assert cases["closed"] > 0
    steps = {s["action"] for w in found["workflows"] for s in w["steps"]}
    assert {"request", "opinion", "approve", "deny", "use"} <= steps
