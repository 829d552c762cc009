"""Activations and drills over HTTP: who may where, once each, command passes, all is chained."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import psycopg
import pytest
from fastapi import FastAPI

from service.emergency.actions import commanders, in_force
from service.emergency.schemas.activations import Activation
from service.kit import clock
from service.kit.ids import uuid7
from tests.cases import UNIT, spots
from tests.emergencies import FIRE, FLOOD, JSON, Scene, allocate, history, move, refused
from tests.people import People, Person


@pytest.fixture(scope="module")
def scenes(people: People, database_url: str) -> list[Scene]:
    return [Scene(people, spot, database_url) for spot in spots(database_url)]


@pytest.fixture
def scene(people: People, database_url: str, scenes: list[Scene]) -> Scene:
    """A scene where nothing is in force."""
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE allocation SET released_at = now() WHERE released_at IS NULL")
        connection.execute(
            "UPDATE activation SET state = 'ended', ended_at = greatest(now(), activated_at)"
            " WHERE state = 'in_force'"
        )
    return scenes[0]


async def test_an_activation_lives_and_every_step_is_in_its_chain(
    scene: Scene, database_url: str
) -> None:
    made = await scene.started()
    shown = Activation.model_validate(made)
    assert (shown.state, shown.level, shown.tier, shown.drill) == ("in_force", 3, 2, False)
    assert shown.plan_version == 1
    assert shown.available_actions == ["change-level", "end"]
    path = f"/v1/activations/{made['id']}"
    graver = await scene.village.post(f"{path}/change-level", {"level": 2, "reason": "水位上涨"})
    assert (graver.status_code, graver.json()["level"]) == (200, 2)
    assert graver.headers["etag"] == '"2"'
    over = await scene.ended(made)
    assert (over["state"], over["end_note"], over["available_actions"]) == (
        "ended", "险情解除", [],
    )  # fmt: skip
    chain = history(database_url, made["id"])
    assert [event.event for event in chain] == [
        "activation.started", "activation.level_changed", "activation.ended",
    ]  # fmt: skip
    assert all("24.2" in event.clauses for event in chain)
    assert (await scene.village.get(path)).json() == over


async def test_who_may_activate_is_who_dispatches_there(scenes: list[Scene], scene: Scene) -> None:
    other = scenes[1]
    for area, wrong in (
        (scene.spot.village, [other.village, other.township]),
        (scene.spot.township, [scene.village, other.township]),
        (scene.spot.county, [scene.village, scene.township]),
    ):
        for person in wrong:
            answer = await person.post("/v1/activations", scene.declaring(area=area))
            assert refused(answer) == (403, "outside_own_area")
    for nobody in (scene.worker, scene.committee, scene.handler, scene.auditor,
                   scene.administrator, scene.agent, scene.system):  # fmt: skip
        answer = await nobody.post("/v1/activations", scene.declaring())
        assert refused(answer) == (403, "forbidden")
    for area, right in (
        (scene.spot.grid, scene.village),
        (scene.spot.village, scene.village),
        (scene.spot.township, scene.township),
        (scene.spot.county, scene.county),
    ):
        made = await scene.started(right, area=area)
        await scene.ended(made, right)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"plan": "511723-nothing"}, "unknown_emergency_plan"),
        ({"plan": "511723-drought-frost", "level": 1}, "level_not_in_plan"),
        ({"level": 5}, "invalid_input"),
        ({"level": 0}, "invalid_input"),
        ({"reason": " "}, "invalid_input"),
        ({"area": "51172"}, "invalid_input"),
        ({"surprise": 1}, "invalid_input"),
    ],
)
async def test_what_contradicts_the_plan_is_refused(
    changes: dict[str, object], code: str, scene: Scene
) -> None:
    answer = await scene.village.post("/v1/activations", scene.declaring(**changes))
    assert refused(answer) == (422, code)


async def test_an_area_that_nobody_knows_is_refused(scene: Scene) -> None:
    body = scene.declaring(area=f"{scene.spot.county}999999")
    assert refused(await scene.county.post("/v1/activations", body)) == (422, "unknown_area")


async def test_the_same_plan_is_in_force_once_for_an_area(scene: Scene) -> None:
    first = await scene.started()
    again = await scene.village.post("/v1/activations", scene.declaring())
    assert refused(again) == (409, "already_in_force")
    await scene.started(plan=FIRE)
    await scene.started(scene.township, area=scene.spot.township)
    await scene.started(drill=True)
    await scene.ended(first)
    await scene.started()


async def test_of_many_who_activate_at_once_one_succeeds(scene: Scene) -> None:
    answers = await asyncio.gather(
        *(scene.village.post("/v1/activations", scene.declaring()) for _ in range(8))
    )
    assert sorted(a.status_code for a in answers) == [201] + [409] * 7


async def test_an_activation_is_replayed_by_its_id_and_refused_with_another_body(
    scene: Scene,
) -> None:
    body = scene.declaring(id=str(uuid7()))
    first = await scene.village.post("/v1/activations", body)
    again = await scene.village.post("/v1/activations", body)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    other = await scene.village.post("/v1/activations", {**body, "level": 1})
    assert refused(other) == (409, "idempotency_key_reused")
    key = {"Idempotency-Key": str(uuid7())}
    taken = await scene.village.post("/v1/activations", body, headers=key)
    assert refused(taken) == (409, "id_taken")


async def test_what_has_ended_is_not_ended_or_changed_again(scene: Scene) -> None:
    made = await scene.ended(await scene.started())
    path = f"/v1/activations/{made['id']}"
    again = await scene.village.post(f"{path}/end", {"note": "再次"})
    assert refused(again) == (409, "action_not_allowed")
    level = await scene.village.post(f"{path}/change-level", {"level": 1, "reason": "x"})
    assert refused(level) == (409, "action_not_allowed")


async def test_a_stale_version_and_the_same_level_change_nothing(scene: Scene) -> None:
    made = await scene.started()
    path = f"/v1/activations/{made['id']}"
    same = await scene.village.post(f"{path}/change-level", {"level": 3, "reason": "x"})
    assert refused(same) == (409, "same_level")
    for tag, expected in (('"7"', (412, "stale_version")), ("7", (400, "bad_if_match"))):
        stale = await scene.village.post(f"{path}/end", {"note": "x"}, headers={"if-match": tag})
        assert refused(stale) == expected
    assert (await scene.village.get(path)).json()["version"] == 1
    good = await scene.village.post(f"{path}/end", {"note": "x"}, headers={"if-match": '"1"'})
    assert good.status_code == 200


async def test_what_a_higher_tier_declared_a_lower_one_does_not_end(scene: Scene) -> None:
    made = await scene.started(scene.county)
    path = f"/v1/activations/{made['id']}"
    ours = (await scene.village.get(path)).json()
    assert ours["available_actions"] == []
    answer = await scene.village.post(f"{path}/end", {"note": "x"})
    assert refused(answer) == (403, "declared_by_higher_tier")
    await scene.ended(made, scene.county)


async def test_what_concerns_nobody_there_is_not_found(scenes: list[Scene], scene: Scene) -> None:
    made = await scene.started()
    path = f"/v1/activations/{made['id']}"
    stranger = scenes[1].village
    assert refused(await stranger.get(path)) == (404, "not_found")
    assert refused(await stranger.post(f"{path}/end", {"note": "x"})) == (404, "not_found")
    assert made["id"] not in str((await stranger.get("/v1/activations")).json())
    for person in (scene.worker, scene.committee, scene.township, scene.auditor,
                   scene.administrator, scene.handler):  # fmt: skip
        assert (await person.get(path)).status_code == 200
        assert made["id"] in str((await person.get("/v1/activations?state=in_force")).json())
    assert refused(await scene.system.get(path)) == (403, "forbidden")


async def test_a_list_is_read_page_by_page_and_filtered(scene: Scene) -> None:
    made = [(await scene.started(plan=plan))["id"] for plan in (FLOOD, FIRE)]
    made.append((await scene.started(drill=True))["id"])
    seen, cursor = [], ""
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        page = (await scene.village.get(f"/v1/activations?state=in_force&limit=1{more}")).json()
        seen += [row["id"] for row in page["items"]]
        cursor = page["next"]
    assert seen == made[::-1]
    drills = (await scene.village.get("/v1/activations?state=in_force&drill=true")).json()
    assert [row["id"] for row in drills["items"]] == made[2:]
    flood = (await scene.village.get(f"/v1/activations?drill=false&plan={FLOOD}&limit=1")).json()
    assert flood["items"][0]["id"] == made[0]
    bad = await scene.village.get("/v1/activations?cursor=abc")
    assert refused(bad) == (400, "bad_cursor")


async def test_a_drill_is_evaluated_and_is_another_kind_of_case(
    scene: Scene, database_url: str
) -> None:
    made = await scene.started(drill=True, plan=FIRE)
    body = {
        "participants": 46,
        "units": [UNIT],
        "findings": "扩音设备不足",
        "next_on": "2100-01-01",
    }
    path = f"/v1/activations/{made['id']}"
    early = await scene.village.post(f"{path}/evaluate", body)
    assert refused(early) == (409, "action_not_allowed")
    await scene.ended(made)
    past = await scene.village.post(f"{path}/evaluate", {**body, "next_on": "2020-01-01"})
    assert refused(past) == (422, "bad_next_date")
    done = await scene.village.post(f"{path}/evaluate", body)
    shown = Activation.model_validate(done.json())
    assert shown.evaluation is not None
    assert (shown.state, shown.evaluation.participants) == ("evaluated", 46)
    again = await scene.village.post(f"{path}/evaluate", body)
    assert refused(again) == (409, "action_not_allowed")
    chain = history(database_url, made["id"])
    assert [e.event for e in chain] == ["drill.started", "drill.ended", "drill.evaluated"]
    assert {e.case_kind for e in chain} == {"drill"}
    assert not any("24.2" in e.clauses for e in chain)
    plan = (await scene.village.get(f"/v1/emergency-plans/{FIRE}")).json()
    assert plan["next_drill_on"] == "2100-01-01"
    assert plan["last_drill_on"] == clock.local(clock.now()).date().isoformat()


async def test_an_emergency_is_not_evaluated_as_a_drill(scene: Scene) -> None:
    made = await scene.ended(await scene.started())
    body = {"participants": 1, "findings": "x", "next_on": "2100-01-01"}
    answer = await scene.village.post(f"/v1/activations/{made['id']}/evaluate", body)
    assert refused(answer) == (409, "not_a_drill")


async def test_other_rooms_learn_what_is_in_force_whoever_asks(scene: Scene, app: FastAPI) -> None:
    db = app.state.db
    before = clock.now()
    made = await scene.started(scene.township, area=scene.spot.township)
    await scene.started(drill=True)
    now = clock.now() + timedelta(seconds=1)
    async with db.session(None) as session:
        (found,) = await in_force(session, scene.spot.grid, now)
        assert (str(found.id), found.area_code, found.level) == (
            made["id"], scene.spot.township, 3,
        )  # fmt: skip
        assert len(await in_force(session, scene.spot.grid, now, drills=True)) == 2
        assert await in_force(session, scene.spot.grid, before) == []
        assert await in_force(session, scene.spot.county, now) == []
    async with db.writes.acquire() as connection:
        assert [f.id for f in await in_force(connection, scene.spot.grid, now)] == [found.id]
    await scene.ended(made, scene.township)
    async with db.session(None) as session:
        later = clock.now() + timedelta(seconds=1)
        assert await in_force(session, scene.spot.grid, later) == []


async def test_the_two_committees_of_the_village_command(
    scene: Scene, scenes: list[Scene], app: FastAPI
) -> None:
    made = await scene.started()
    people = {scene.village.id, scene.committee.id}
    strangers = {scenes[1].village.id, scenes[1].committee.id, scene.handler.id, scene.worker.id}
    async with app.state.db.session(None) as session:
        found = {c.account for c in await commanders(session, scene.spot.grid, clock.now())}
    assert people <= found
    assert not strangers & found
    listed: list[dict[str, str]] = []
    cursor = ""
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        path = f"/v1/activations/{made['id']}/commanders?limit=1{more}"
        page = (await scene.worker.get(path)).json()
        listed += page["items"]
        cursor = page["next"]
    assert {row["account"] for row in listed} == {str(account) for account in found}
    assert {row["village"] for row in listed} == {scene.spot.village}


async def test_command_of_all_resources_passes_to_the_committees_and_back(
    scene: Scene, scenes: list[Scene]
) -> None:
    team = await scene.registered()
    elsewhere = await scenes[1].registered()
    path = f"/v1/resources/{team['id']}"
    # Before: the committee does not see the county's team; its owner does.
    assert refused(await scene.committee.get(path)) == (404, "not_found")
    assert (await scene.handler.get(path)).status_code == 200
    made = await scene.started()
    # Now it sees whatever stands there, whoever owns it, and nothing else.
    assert (await scene.committee.get(path)).status_code == 200
    assert refused(await scene.committee.get(f"/v1/resources/{elsewhere['id']}"))[0] == 404
    listed = (await scene.committee.get("/v1/resources?limit=200")).json()["items"]
    assert team["id"] in {row["id"] for row in listed}
    assert {row["village"] for row in listed} == {scene.spot.village}
    # The owner may not take it away while they command.
    assert refused(await allocate(scene.handler, team, made)) == (403, "command_passed")
    assert refused(await allocate(scene.other_handler, team, made)) == (404, "not_found")
    given = await allocate(scene.committee, team, made, quantity=8)
    assert given.json()["allocation"]["quantity"] == 8
    assert refused(await scene.handler.post(f"{path}/release", {})) == (403, "command_passed")
    # The end gives all back.
    over = await scene.ended(made)
    assert over["allocations"] == 0
    assert (await scene.handler.get(path)).json()["allocation"] is None
    assert refused(await scene.committee.get(path)) == (404, "not_found")


async def test_an_activation_of_one_grid_gives_command_of_that_grid_alone(scene: Scene) -> None:
    here = await scene.registered()
    made = await scene.started(area=scene.spot.grid)
    assert (await scene.committee.get(f"/v1/resources/{here['id']}")).status_code == 200
    listed = (await scene.committee.get("/v1/resources?limit=200")).json()["items"]
    assert {row["grid"] for row in listed} == {scene.spot.grid}
    await scene.ended(made)


async def test_a_drill_lends_what_an_emergency_takes_over(scene: Scene, database_url: str) -> None:
    team = await scene.registered()
    drill = await scene.started(drill=True)
    assert (await allocate(scene.committee, team, drill)).status_code == 200
    real = await scene.started()
    taken = await allocate(scene.committee, team, real)
    assert taken.json()["allocation"]["activation"] == real["id"]
    assert history(database_url, drill["id"])[-1].event == "drill.resource_released"
    assert history(database_url, real["id"])[-1].event == "activation.resource_allocated"
    back = await allocate(scene.committee, team, drill)
    assert refused(back) == (409, "already_allocated")


async def test_who_commands_issues_stock_but_does_not_count_it(scene: Scene) -> None:
    point = await scene.supplied(50)
    made = await scene.started()
    out = await move(scene.committee, point, "issue", 20, activation=made["id"])
    assert (out.status_code, out.json()["balance"]) == (201, 30)
    for kind in ("count", "receive"):
        answer = await move(scene.committee, point, kind, 9, activation=made["id"])
        assert refused(answer) == (403, "not_your_resource")
    without = await move(scene.committee, point, "issue", 1)
    assert refused(without) == (403, "not_your_resource")


async def test_allocation_refuses_what_cannot_be(scene: Scene, people: People) -> None:
    team = await scene.registered()
    made = await scene.started()
    too_many = await allocate(scene.village, team, made, quantity=21)
    assert refused(too_many) == (409, "over_capacity")
    unknown = await allocate(scene.village, team, {"id": str(uuid7())})
    assert refused(unknown) == (422, "unknown_activation")
    assert refused(await scene.village.post(f"/v1/resources/{team['id']}/release", {})) == (
        409, "not_allocated",
    )  # fmt: skip
    assert (await allocate(scene.village, team, made)).json()["allocation"]["quantity"] == 20
    other = await scene.started(plan=FIRE)
    assert refused(await allocate(scene.village, team, other)) == (409, "already_allocated")
    busy = await scene.county.http.patch(
        f"/v1/resources/{team['id']}", json={"status": "unavailable"}
    )
    assert refused(busy) == (409, "already_allocated")
    freed = await scene.village.post(f"/v1/resources/{team['id']}/release", {"note": "完成"})
    assert freed.json()["allocation"] is None
    await scene.ended(other)
    assert refused(await allocate(scene.village, team, other)) == (409, "activation_ended")
    repaired = {"status": "unavailable"}
    await scene.county.http.patch(f"/v1/resources/{team['id']}", json=repaired)
    assert refused(await allocate(scene.village, team, made)) == (409, "resource_not_available")


async def test_of_many_who_allocate_at_once_one_succeeds(scene: Scene) -> None:
    team = await scene.registered()
    first, second = await scene.started(), await scene.started(plan=FIRE)

    async def one(who: Person, activation: JSON) -> int:
        return (await allocate(who, team, activation)).status_code

    callers = (scene.village, scene.committee, scene.township, scene.county)
    found = await asyncio.gather(*(one(c, a) for c in callers for a in (first, second)))
    assert sorted(found) == [200] + [409] * 7


async def test_the_walls_hold_without_the_services_own_rules(
    scene: Scene, scenes: list[Scene], database_url: str
) -> None:
    """In SQL under the application's role, as a dispatcher of a village and as other units."""
    team = await scene.registered()
    made = await scene.started()
    start = (
        "INSERT INTO activation (id, area_code, level, plan_code, plan_version, reason, drill,"
        " state, tier, version, head_hash, last_event_at, activated_at, activated_by)"
        " VALUES (gen_random_uuid(), %s, 3, '511723-fire', 1, 'x', false, 'in_force', 2, 1, '',"
        " now(), now(), gen_random_uuid())"
    )

    def seen(connection: psycopg.Connection[tuple[object, ...]], who: Person) -> tuple[int, int]:
        connection.execute("SELECT set_config('gridward.actor', %s, false)", (str(who.id),))
        counts = [
            connection.execute(f"SELECT FROM {table} WHERE id = %s", (case["id"],)).rowcount
            for table, case in (("activation", made), ("resource", team))
        ]
        return counts[0], counts[1]

    with psycopg.connect(database_url) as connection:
        connection.execute("SET ROLE gridward_app")
        for who, expected in (
            (scene.committee, (1, 1)), (scene.handler, (1, 1)), (scene.other_handler, (1, 0)),
            (scene.worker, (1, 0)), (scene.system, (0, 0)), (scenes[1].village, (0, 1)),
            (scenes[1].committee, (0, 0)), (scenes[1].worker, (0, 0)),
        ):  # fmt: skip
            assert seen(connection, who) == expected, who
        seen(connection, scene.village)
        for area in (scenes[1].spot.village, scene.spot.township, scene.spot.county):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(start, (area,))
        connection.execute(start, (scene.spot.grid,))
        # Who allocates moves the chain of an activation on, and what was declared stays as it was.
        on = "UPDATE activation SET version = version + 1, last_event_at = now() WHERE id = %s"
        for who in (scene.committee, scene.handler):
            seen(connection, who)
            assert connection.execute(on, (made["id"],)).rowcount == 1
            for what in ("state = 'ended', ended_at = now()", "level = 1", "tier = 1",
                         "ended_by = gen_random_uuid()", "end_note = 'x'",
                         f"area_code = '{scene.spot.grid}'"):  # fmt: skip
                with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                    connection.execute(f"UPDATE activation SET {what} WHERE id = %s", (made["id"],))
        seen(connection, scenes[1].village)
        assert connection.execute(on, (made["id"],)).rowcount == 0
        changed = "UPDATE resource SET capacity = 1 WHERE id = %s"
        seen(connection, scene.committee)
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute(changed, (team["id"],))
        seen(connection, scenes[1].committee)
        assert connection.execute(changed, (team["id"],)).rowcount == 0
        connection.rollback()


async def test_an_allocation_that_is_replayed_counts_once(scene: Scene, database_url: str) -> None:
    team, made = await scene.registered(), await scene.started()
    key = {"Idempotency-Key": str(uuid7())}
    path = f"/v1/resources/{team['id']}/allocate"
    body = {"activation": made["id"], "quantity": 3}
    first = await scene.village.post(path, body, headers=key)
    again = await scene.village.post(path, body, headers=key)
    assert (again.status_code, again.json()) == (200, first.json())
    other = await scene.village.post(path, {**body, "quantity": 4}, headers=key)
    assert refused(other) == (409, "idempotency_key_reused")
    names = [event.event for event in history(database_url, made["id"])]
    assert names == ["activation.started", "activation.resource_allocated"]


async def test_all_who_act_at_once_are_answered_and_the_end_leaves_nothing_behind(
    scene: Scene,
) -> None:
    """Allocations, releases, issues and the end of both activations, in each other's way."""
    team, point = await scene.registered(), await scene.supplied(50)
    drill, real = await scene.started(drill=True), await scene.started()
    free = f"/v1/resources/{team['id']}/release"

    async def end(activation: JSON) -> int:
        path = f"/v1/activations/{activation['id']}/end"
        return (await scene.village.post(path, {"note": "结束"})).status_code

    async def issue(who: Person, activation: JSON) -> int:
        return (await move(who, point, "issue", 1, activation=activation["id"])).status_code

    async def give(who: Person, activation: JSON) -> int:
        return (await allocate(who, team, activation)).status_code

    async def release(who: Person) -> int:
        return (await who.post(free, {})).status_code

    work = [
        call
        for who in (scene.village, scene.committee, scene.county)
        for call in (give(who, drill), give(who, real), release(who), issue(who, real),
                     issue(who, drill))
    ]  # fmt: skip
    found = await asyncio.gather(*work[:8], end(drill), *work[8:12], end(real), *work[12:])
    # 403 and 404: who commanded does no longer, once it has ended.
    assert set(found) <= {200, 201, 403, 404, 409}
    for activation in (drill, real):
        shown = (await scene.county.get(f"/v1/activations/{activation['id']}")).json()
        if shown["state"] == "in_force":
            shown = await scene.ended(activation)
        assert (shown["state"], shown["allocations"]) == ("ended", 0)
    assert (await scene.county.get(f"/v1/resources/{team['id']}")).json()["allocation"] is None
