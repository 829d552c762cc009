"""The queue: what waits for whom, the most urgent first, narrowed, counted, page by page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from service.dispatch.rules import COLOURS, colour_of
from service.dispatch.schemas import QueuePage
from service.dispatch.store import COLOUR
from tests.cases import OTHER_UNIT, UNIT, Place
from tests.consoles import give_co_units, set_clock
from tests.people import People, Person

HOUR = timedelta(hours=1)


async def queue(who: Person, **params: Any) -> dict[str, Any]:
    answer = await who.get("/v1/dispatch/queue", params=params)
    assert answer.status_code == 200, answer.text
    QueuePage.model_validate(answer.json())
    found: dict[str, Any] = answer.json()
    return found


async def ids(who: Person, **params: Any) -> list[str]:
    return [item["id"] for item in (await queue(who, limit=200, **params))["items"]]


async def walk(who: Person, **params: Any) -> list[str]:
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = await queue(who, **params, **({"cursor": cursor} if cursor else {}))
        found += [item["id"] for item in page["items"]]
        assert (page["counts"] is None) == (cursor is not None)
        cursor = page["next"]
        if cursor is None:
            return found


async def test_the_most_urgent_comes_first_and_no_clock_last(
    places: list[Place], database_url: str
) -> None:
    place = places[0]
    made = [(await place.report())["id"] for _ in range(5)]
    for case, due in zip(made, (3 * HOUR, None, -2 * HOUR, HOUR, None), strict=True):
        set_clock(database_url, case, due)
    expected = [made[2], made[3], made[0], *sorted((made[1], made[4]))]
    assert await ids(place.worker) == expected
    for limit in (1, 2, 3):
        assert await walk(place.worker, limit=limit) == expected
    shown = (await queue(place.worker))["items"]
    assert [item["colour"] for item in shown] == ["red", "green", "green", "none", "none"]
    assert [item["due_at"] is None for item in shown] == [False, False, False, True, True]
    assert "accept" in shown[0]["available_actions"]


async def test_what_is_shown_is_what_the_callers_own_tier_holds(places: list[Place]) -> None:
    place = places[1]
    at_grid = (await place.report())["id"]
    at_village = (await place.report())["id"]
    await place.act(place.worker, at_village, "escalate")
    at_county = (await place.bring_to("reported"))["id"]
    mine = {at_grid, at_village, at_county}

    async def seen(who: Person, **params: Any) -> set[str]:
        return mine & set(await ids(who, **params))

    assert await seen(place.worker) == {at_grid}
    assert await seen(place.village) == {at_village}
    assert await seen(place.township) == set()
    assert await seen(place.county) == {at_county}
    assert await seen(place.county, tier=[1, 2]) == {at_grid, at_village}
    assert await seen(place.township, tier=[1, 2, 3, 4]) == mine
    assert await seen(place.auditor) == mine
    assert await seen(place.county, tier=[1, 2, 3, 4], area=places[2].spot.township) == set()
    assert await seen(place.worker, tier=[4]) == {at_county}
    assert await seen(places[2].township, tier=[1, 2, 3, 4]) == set()


async def test_a_unit_sees_what_it_has_in_hand_and_what_it_helps_with(
    places: list[Place], database_url: str
) -> None:
    place = places[0]
    in_hand = (await place.bring_to("assigned"))["id"]
    helped = (await place.bring_to("accepted"))["id"]
    other = (await place.bring_to("accepted"))["id"]
    give_co_units(database_url, helped, [UNIT])
    give_co_units(database_url, other, [OTHER_UNIT])
    found = await ids(place.handler)
    assert {in_hand, helped} <= set(found)
    assert other not in found
    assert len(found) == len(set(found))
    assert set(await ids(place.handler, area=places[1].spot.township)) & {in_hand, helped} == set()
    assert {in_hand, helped} <= set(await ids(place.county, unit=UNIT))
    assert other not in await ids(place.county, unit=UNIT)


async def test_each_filter_narrows(place: Place, database_url: str) -> None:
    covered = await place.bring_to("accepted")
    rubbish = await place.bring_to("accepted", category="0601")
    assigned = await place.bring_to("assigned")
    mine = {case["id"] for case in (covered, rubbish, assigned)}

    async def seen(**params: Any) -> set[str]:
        return mine & set(await ids(place.county, **params))

    assert await seen() == mine
    assert await seen(state="assigned") == {assigned["id"]}
    assert await seen(state=["assigned", "accepted"]) == mine
    assert await seen(category="06") == {rubbish["id"]}
    assert await seen(category="0601", level=2) == set()
    assert await seen(level=rubbish["level"]) == {rubbish["id"]}
    assert await seen(drill=True) == set()
    assert await seen(drill=False) == mine
    assert await seen(mine=True) == set()
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE incident SET assignee_id = %s WHERE id = %s", (place.county.id, covered["id"])
        )
        connection.execute(
            "UPDATE open_incident SET drill = true WHERE incident_id = %s", (rubbish["id"],)
        )
    assert await seen(mine=True) == {covered["id"]}
    assert await seen(drill=True) == {rubbish["id"]}
    done = await place.act(place.county, covered["id"], "void")
    assert done.status_code == 200
    assert await seen() == mine - {covered["id"]}


# due, amber, supervise as hours from now, and the colour that follows.
CLOCKS: list[tuple[float | None, float | None, float | None, str]] = [
    (None, None, None, "none"),
    (2, 1, 3, "green"),
    (2, None, None, "green"),
    (2, -1, 3, "amber"),
    (-1, -2, 1, "red"),
    (-1, None, None, "red"),
    (-2, -3, -1, "supervised"),
    (0, -1, 1, "red"),
    (1, 0, 2, "amber"),
    (-1, -2, 0, "supervised"),
]


@pytest.mark.parametrize(("due", "amber", "supervise", "colour"), CLOCKS)
def test_a_colour_is_the_same_by_rule_and_by_sql(
    due: float | None, amber: float | None, supervise: float | None, colour: str, database_url: str
) -> None:
    now = datetime.now(UTC)
    marks = [None if h is None else now + timedelta(hours=h) for h in (amber, due, supervise)]
    assert colour_of(now, *marks) == colour
    query = (
        f"SELECT {COLOUR.replace('$2', '%(now)s')} FROM (SELECT %(amber)s::timestamptz AS amber_at,"
        " coalesce(%(due)s::timestamptz, 'infinity') AS due_at,"
        " %(supervise)s::timestamptz AS supervise_at) AS o"
    )
    values = dict(zip(("amber", "due", "supervise"), marks, strict=True), now=now)
    with psycopg.connect(database_url) as connection:
        assert connection.execute(query, values).fetchone() == (colour,)


async def test_colours_narrow_and_are_counted(places: list[Place], database_url: str) -> None:
    place = places[2]
    clocks = {
        "none": (None, None, None), "green": (3, 2, 4), "amber": (2, -1, 3), "red": (-1, -2, 1),
        "supervised": (-2, -3, -1),
    }  # fmt: skip
    made: dict[str, str] = {}
    for colour in COLOURS:
        made[colour] = (await place.report())["id"]
        if colour == "red":
            await place.act(place.worker, made[colour], "accept")
        due, amber, supervise = (None if h is None else h * HOUR for h in clocks[colour])
        set_clock(database_url, made[colour], due, amber=amber, supervise=supervise)
    for colour, case in made.items():
        assert await ids(place.worker, colour=colour) == [case]
    assert set(await ids(place.worker, colour=["red", "supervised"])) == {
        made["red"], made["supervised"]}  # fmt: skip
    page = await queue(place.worker, colour="amber", state="reported", counts=True)
    assert [item["id"] for item in page["items"]] == [made["amber"]]
    assert page["counts"] == {
        "total": 5, "by_state": {"reported": 4, "accepted": 1},
        "by_colour": dict.fromkeys(COLOURS, 1),
    }  # fmt: skip
    assert (await queue(place.worker, counts=False))["counts"] is None


async def test_a_complaint_stays_hidden_from_the_unit_that_it_concerns(
    place: Place, people: People
) -> None:
    complaint = await place.report(category="1203", concerns_unit=UNIT)
    inside = people.make(
        ("grid_worker", place.spot.grid), ("unit_handler", place.spot.county, UNIT)
    )
    assert complaint["id"] in await ids(place.worker)
    assert complaint["id"] not in await ids(inside)
    with_it = (await queue(place.worker))["counts"]["total"]
    assert with_it - (await queue(people.make(("grid_worker", place.spot.grid))))["counts"][
        "total"] == 0  # fmt: skip
    hidden = await queue(inside, tier=[1], area=place.spot.grid)
    assert complaint["id"] not in [item["id"] for item in hidden["items"]]


async def test_a_revoked_assignment_ends_at_once(place: Place, database_url: str) -> None:
    case = (await place.report())["id"]
    second = place.second_worker
    assert case in await ids(second)
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE assignment SET valid_to = now() WHERE account_id = %s", (second.id,)
        )
    assert (await second.get("/v1/dispatch/queue")).status_code == 403


@pytest.mark.parametrize(
    "params",
    [
        {"limit": 0}, {"limit": 201}, {"area": "51172"}, {"state": "flying"}, {"tier": 9},
        {"level": 0}, {"category": "5"}, {"colour": "blue"}, {"mine": "perhaps"}, {"unit": ""},
        {"drill": "2"}, {"urgency": "high"}, {"counts": "x"}, {"open": "true"},
    ],
)  # fmt: skip
async def test_a_bad_or_unknown_filter_is_a_clear_problem(
    place: Place, params: dict[str, Any]
) -> None:
    answer = await place.village.get("/v1/dispatch/queue", params=params)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"]


async def test_a_cursor_of_another_list_or_a_changed_one_is_refused(place: Place) -> None:
    for _ in range(3):
        await place.report()
    page = await queue(place.worker, limit=1)
    listed = (await place.worker.get("/v1/incidents", params={"limit": 1})).json()
    for cursor, params in (
        (page["next"], {"category": "05"}), (listed["next"], {}), (page["next"][:-2] + "AA", {}),
        ("AAAA", {}), ("x" * 400, {}),
    ):  # fmt: skip
        answer = await place.worker.get("/v1/dispatch/queue", params={"cursor": cursor, **params})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor"), cursor


async def test_who_reads_no_incidents_has_no_queue(place: Place) -> None:
    for who in (place.agent, place.administrator):
        assert (await who.get("/v1/dispatch/queue")).status_code == 403
