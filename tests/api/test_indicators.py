"""Indicators over HTTP: who sees which, of which period, and what is shown of too few."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import psycopg
import pytest
from fastapi import FastAPI

from service.config import Settings
from service.indicators import actions, schemas
from service.indicators.catalogue import load_catalogue
from service.indicators.counting import CountingBlind, count_indicators
from service.jobs.app import make_queue
from service.jobs.tasks import jobs
from service.jobs.upkeep import upkeep_for
from service.kit import clock
from service.plan.registry import load_registry
from tests import figures
from tests.cases import UNIT, Place, spots
from tests.people import People, Person

HOUR = timedelta(hours=1)
DOMAIN = {
    "on_time_closing", "closing", "on_time_arrival", "overdue", "rework", "return", "extension",
    "repeat", "duration_median", "duration_p90", "dispute_resolution", "satisfaction", "answer",
    "own_discovery", "proxy_on_time", "done_in_one_go", "home_visits", "data_reuse",
    "circle_coverage",
}  # fmt: skip
LATER = {"proxy_on_time", "done_in_one_go", "home_visits", "data_reuse", "circle_coverage"}


@pytest.fixture(scope="module")
def places(people: People, database_url: str) -> list[Place]:
    return [Place(people, spot) for spot in spots(database_url)]


@pytest.fixture
def writer(database_url: str) -> Iterator[figures.Rows]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "TRUNCATE incident, case_event, indicator_case, indicator_figure CASCADE"
        )
        yield connection


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def ask(who: Person, query: str | None = None) -> schemas.Indicators:
    """The figures; of yesterday and today unless `query` says otherwise."""
    yesterday = clock.local(clock.now() - timedelta(days=1)).date()
    answer = await who.get(f"/v1/indicators{f'?from={yesterday}' if query is None else query}")
    assert answer.status_code == 200, answer.text
    return schemas.Indicators.model_validate(answer.json())


async def numbers(
    who: Person, code: str, query: str | None = None
) -> tuple[int | None, int | None]:
    found = next(i for i in (await ask(who, query)).indicators if i.code == code)
    return found.numerator, found.denominator


def closed_case(
    writer: figures.Rows, village: str, at: datetime, *, late: bool = False, **facts: Any
) -> None:
    """A case that was reported three hours before `at`, due an hour before it, and is closed."""
    case = figures.add(writer, at - 3 * HOUR, village, **facts)
    figures.change(
        writer, case, at, state="closed", accepted_at=at - 2 * HOUR, finish_due=at - HOUR,
        closed_at=at if late else at - 1.5 * HOUR,
    )  # fmt: skip


async def test_every_indicator_of_the_field_is_in_the_catalogue_with_its_clauses(
    places: list[Place],
) -> None:
    answer = await places[0].worker.get("/v1/indicators/catalogue")
    found = schemas.IndicatorCatalogue.model_validate(answer.json())
    assert {item.code for item in found.items} == DOMAIN
    assert {item.code for item in found.items if not item.available} == LATER
    assert found.smallest_denominator == 5
    known = load_registry().measures
    for item in found.items:
        assert item.clauses
        assert set(item.clauses) <= known.keys()
        assert (item.reason_zh is None, item.reason_en is None) == (item.available,) * 2
    [aimed] = [item for item in found.items if item.target is not None]
    assert (aimed.code, aimed.target, aimed.better) == ("dispute_resolution", 0.97, "high")


def test_the_catalogue_computes_what_it_offers_and_nothing_else() -> None:
    for indicator in load_catalogue().indicators:
        computed = indicator.denominator is not None and (
            indicator.numerator is not None or indicator.quantile is not None
        )
        assert computed is indicator.available


async def test_what_cannot_be_computed_yet_has_no_number(
    places: list[Place], writer: figures.Rows
) -> None:
    for indicator in (await ask(places[0].county)).indicators:
        if indicator.code in LATER:
            assert not indicator.available
            assert (indicator.numerator, indicator.denominator, indicator.value, indicator.met) == (
                None, None, None, None,
            )  # fmt: skip
            assert indicator.shown == "–"


async def test_a_case_played_over_http_is_in_the_figures_at_once(
    places: list[Place], writer: figures.Rows, owner: asyncpg.Connection
) -> None:
    place = places[0]
    await place.bring_to("closed")
    await place.bring_to("void")
    await place.report(channel="phone", by=place.village)
    for _ in range(2):
        assert await numbers(place.county, "own_discovery") == (1, 2)
        assert await numbers(place.county, "duration_median") == (None, 1)
        # The call came from where the first one had been closed.
        assert await numbers(place.village, "repeat") == (1, 1)
        await count_indicators(owner, clock.now())


async def test_a_value_needs_five_cases_to_divide_by(
    places: list[Place], writer: figures.Rows
) -> None:
    place, now = places[0], clock.now()
    for _ in range(4):
        closed_case(writer, place.spot.village, now)
    [few] = [i for i in (await ask(place.county)).indicators if i.code == "answer"]
    assert (few.numerator, few.denominator, few.value, few.shown) == (0, 4, None, "–")
    closed_case(writer, place.spot.village, now, late=True)
    found = {i.code: i for i in (await ask(place.county)).indicators}
    assert (found["answer"].value, found["answer"].shown) == (0, "0.0 %")
    assert found["duration_median"].denominator == 5
    assert found["duration_median"].value == pytest.approx(1.5 * 3600, rel=0.02)
    assert found["duration_p90"].value == pytest.approx(3 * 3600, rel=0.02)
    assert found["duration_p90"].shown in ("2.9 h", "3.0 h", "3.1 h")


async def test_disputes_are_held_against_their_target(
    places: list[Place], writer: figures.Rows
) -> None:
    place, now = places[0], clock.now()
    before = now - timedelta(days=31)

    def dispute(**outcome: Any) -> None:
        case = figures.add(writer, before, place.spot.village, category="0102")
        figures.change(writer, case, before, state="accepted", accepted_at=before, **outcome)

    resolved = {"state": "closed", "closed_at": before + HOUR, "outcome": "agreement"}
    period = f"?from={clock.local(before).date()}&to={clock.local(now).date()}&category=01"
    for _ in range(97):
        dispute()
    writer.execute(
        "UPDATE incident SET state = 'closed', closed_at = reported_at, outcome = 'agreement'"
    )
    for outcome in (
        {**resolved, "outcome": "withdrawal", "satisfaction": "neutral"},
        {**resolved, "outcome": "withdrawal", "satisfaction": "dissatisfied"},
        {**resolved, "outcome": "withdrawal"},
        {"outcome": "agreement"},
    ):
        case = figures.add(writer, before, place.spot.village, category="0102")
        figures.change(writer, case, before, **{"state": "accepted", "accepted_at": before,
                                                **outcome})  # fmt: skip
    found = {i.code: i for i in (await ask(place.county, period)).indicators}["dispute_resolution"]
    assert (found.numerator, found.denominator) == (98, 101)
    assert (found.value, found.shown, found.met) == (0.9703, "97.0 %", True)
    dispute()
    found = {i.code: i for i in (await ask(place.county, period)).indicators}["dispute_resolution"]
    # 98 of 102 is short of 97 %.
    assert (found.value, found.met) == (0.9608, False)


async def test_a_dispute_counts_when_its_thirty_days_are_over(
    app: FastAPI, places: list[Place], writer: figures.Rows, owner: asyncpg.Connection
) -> None:
    place, now = places[0], clock.now()
    case = figures.add(writer, now, place.spot.village, category="0101")
    figures.change(writer, case, now, state="accepted", accepted_at=now, suspended_seconds=3600)
    subject = await app.state.subjects.get(place.county.id)
    over = now + timedelta(days=30, hours=1)
    await count_indicators(owner, now)
    for moment, disputes in ((over - timedelta(seconds=1), 0), (over, 1)):
        days = {"from": clock.local(now).date(), "to": clock.local(over).date()}
        asked = schemas.IndicatorQuery.model_validate(days)
        for _ in range(2):
            answer = await actions.read_indicators(app.state.db, subject, asked, moment)
            found = {i["code"]: i for i in answer["indicators"]}["dispute_resolution"]
            assert found["denominator"] == disputes
            await count_indicators(owner, moment)


@pytest.mark.parametrize("counted", [False, True], ids=["tail", "sums"])
async def test_each_sees_the_figures_of_the_own_area_alone(
    places: list[Place], writer: figures.Rows, owner: asyncpg.Connection, people: People,
    *, counted: bool,
) -> None:  # fmt: skip
    now = clock.now()
    for number, place in enumerate(places, 1):
        for _ in range(number):
            figures.add(writer, now, place.spot.village)
    if counted:
        await count_indicators(owner, now)
    one, two = places[0], places[1]
    for who, seen in (
        (one.village, 1), (one.township, 1), (two.township, 2), (one.county, 6), (one.auditor, 6),
    ):  # fmt: skip
        assert await numbers(who, "own_discovery") == (seen, seen)
    both = people.make(
        ("township_dispatcher", one.spot.township), ("village_dispatcher", two.spot.village)
    )
    assert await numbers(both, "own_discovery") == (3, 3)
    assert await numbers(one.county, "own_discovery", f"?area={two.spot.township}") == (2, 2)
    for area in (two.spot.township, two.spot.village, one.spot.county, "511723999", "999999"):
        refused = await one.township.get(f"/v1/indicators?area={area}")
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    assert (await one.county.get("/v1/indicators?area=511723999")).status_code == 404


async def test_the_database_itself_keeps_figures_to_the_area(
    app: FastAPI, places: list[Place], writer: figures.Rows, owner: asyncpg.Connection
) -> None:
    now = clock.now()
    for place in places:
        figures.add(writer, now, place.spot.village)
    for _ in range(2):
        async with app.state.db.reads.acquire() as connection, connection.transaction():
            township = str(places[0].township.id)
            await connection.execute("SELECT set_config('gridward.actor', $1, true)", township)
            rows = await connection.fetch(
                "SELECT area_code FROM indicator_figure UNION ALL"
                " SELECT village_code FROM gw_indicator_tail(now())"
            )
            assert {row[0][:9] for row in rows} == {places[0].spot.township}
        await count_indicators(owner, now)
    reads = app.state.db.reads
    for forbidden in (
        "SELECT * FROM indicator_case",
        "UPDATE indicator_figure SET own = 0",
        "UPDATE indicator_mark SET event_id = 0",
        "SELECT * FROM gw_indicator_changes('{}', now())",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reads.execute(forbidden)
    async with reads.acquire() as connection:
        with pytest.raises(CountingBlind):
            await count_indicators(connection, now)


async def test_who_has_no_area_has_no_figures(places: list[Place], people: People) -> None:
    place = places[0]
    for who in (place.worker, place.handler, place.agent, place.administrator, place.system):
        refused = await who.get("/v1/indicators")
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    grown = people.make(
        ("unit_handler", place.spot.county, UNIT), ("village_dispatcher", place.spot.village)
    )
    found = await ask(grown)
    assert [area.code for area in found.areas] == [place.spot.village]


async def test_a_case_hidden_from_its_reader_is_in_the_figures(
    places: list[Place], writer: figures.Rows, people: People
) -> None:
    spot = places[0].spot
    concerned = people.make(("county_dispatcher", spot.county), ("unit_handler", spot.county, UNIT))
    case = figures.add(writer, clock.now(), spot.village, category="1203")
    figures.change(writer, case, clock.now(), concerns_unit=UNIT)
    assert (await concerned.get(f"/v1/incidents/{case}")).status_code == 404
    assert await numbers(concerned, "own_discovery") == (1, 1)


async def test_parts_add_up_to_the_whole(
    places: list[Place], writer: figures.Rows, owner: asyncpg.Connection
) -> None:
    now = clock.now()
    for number, place in enumerate(places, 1):
        for category in ("0502", "0601", "0101")[:number]:
            closed_case(writer, place.spot.village, now, category=category)
    await count_indicators(owner, now)
    closed_case(writer, places[0].spot.village, now, category="0601")
    county = places[0].county
    keys = {
        "township": [p.spot.township for p in places],
        "village": [p.spot.village for p in places],
        "category": ["0101", "0502", "0601"],
        "month": [f"{clock.local(now):%Y-%m}"],
    }
    for group_by, expected in keys.items():
        found = await ask(county, f"?group_by={group_by}&from=2020-01-01&to=2024-12-31")
        assert found.groups == []
        first = clock.local(now - timedelta(days=1)).date()
        found = await ask(county, f"?group_by={group_by}&from={first}")
        groups = [g for g in found.groups or [] if g.indicators[0].denominator]
        if group_by == "month":
            assert groups[-1].key == expected[-1]
        else:
            assert [g.key for g in groups] == sorted(expected)
            assert all(g.name and g.name != g.key for g in groups)
        for n, whole in enumerate(found.indicators):
            if whole.denominator is not None:
                parts = [g.indicators[n].denominator or 0 for g in found.groups or []]
                assert sum(parts) == whole.denominator
    narrowed = await ask(county, f"?category=06&group_by=township&from={first}")
    assert [g.key for g in narrowed.groups or []] == sorted(p.spot.township for p in places)


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("?from=2026-03-02&to=2026-03-01", 422, "bad_period"),
        ("?from=2000-01-01&to=2026-03-01", 422, "bad_period"),
        ("?from=2026-02-30", 422, None),
        ("?from=1800-01-01", 422, None),
        ("?to=9999-12-31", 422, None),
        ("?area=5117", 422, None),
        ("?area=511723100200001", 422, None),
        ("?category=5", 422, None),
        ("?category=05022", 422, None),
        ("?group_by=person", 422, None),
        ("?group_by=account", 422, None),
        ("?group_by=grid", 422, None),
        ("?account=1", 422, None),
        ("?handler_id=1", 422, None),
        ("?area={village}&group_by=township", 422, "bad_grouping"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    query: str, status: int, code: str | None, places: list[Place]
) -> None:
    path = f"/v1/indicators{query.format(village=places[0].spot.village)}"
    answer = await places[0].county.get(path)
    assert answer.status_code == status, answer.text
    assert code is None or answer.json()["code"] == code


async def test_a_side_of_the_period_that_is_left_out_is_this_month_up_to_today(
    places: list[Place],
) -> None:
    today = clock.local(clock.now()).date()
    found = await ask(places[0].county, "")
    assert (found.first, found.last) == (today.replace(day=1), today)
    found = await ask(places[0].county, "?to=2026-02-10")
    assert (found.first, found.last) == (found.last, datetime(2026, 2, 10).date())  # noqa: DTZ001
    found = await ask(places[0].county, "?from=2026-01-05")
    assert (found.first.isoformat(), found.last) == ("2026-01-05", today)


async def test_nobody_is_counted_compared_or_ranked(
    app: FastAPI, places: list[Place], writer: figures.Rows, owner: asyncpg.Connection
) -> None:
    """Clause 36.2 and 国办函〔2026〕12号: there is no figure by person, neither kept nor shown."""
    place = places[0]
    case = await place.bring_to("closed")
    await count_indicators(owner, clock.now())
    columns = writer.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name LIKE 'indicator_%'"
    ).fetchall()
    persons = ("account", "person", "reporter", "handler", "assignee", "actor", "worker", "user")
    assert [name for (name,) in columns if any(word in name for word in persons)] == []
    for query in ("", "?group_by=village", "?group_by=category", "?group_by=month"):
        body = (await place.county.get(f"/v1/indicators{query}")).text
        for someone in (place.worker, place.village, place.county):
            assert str(someone.id) not in body
            assert someone.login not in body
        assert case["id"] not in body
    parameters = {
        p["name"]
        for path, item in app.openapi()["paths"].items() if path.startswith("/v1/indicators")
        for p in item["get"].get("parameters", []) if "name" in p
    }  # fmt: skip
    assert parameters == {"area", "from", "to", "category", "group_by"}


async def test_a_clause_shows_the_indicators_that_name_it(places: list[Place]) -> None:
    async def indicators(clause: str) -> tuple[str, set[str]]:
        found = (await places[0].worker.get(f"/v1/plan/clauses/{clause}")).json()["indicators"]
        return found["status"], {item["code"] for item in found["items"]}

    assert await indicators("18.2") == ("built", {"dispute_resolution"})
    assert await indicators("18") == ("built", {"dispute_resolution"})
    assert await indicators("12.1") == ("planned", {"proxy_on_time", "done_in_one_go"})
    assert await indicators("3.1") == ("planned", set())
    status, codes = await indicators("23.2")
    assert status == "built"
    assert {"on_time_closing", "repeat", "own_discovery"} <= codes


async def test_figures_that_are_far_behind_are_not_added_up_while_somebody_waits(
    places: list[Place], writer: figures.Rows, owner: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    await count_indicators(owner, clock.now())
    monkeypatch.setattr(actions, "MOST_BEHIND", 3)
    for _ in range(3):
        figures.add(writer, clock.now(), places[0].spot.village)
    assert await numbers(places[0].county, "own_discovery") == (3, 3)
    figures.add(writer, clock.now(), places[0].spot.village)
    waiting = await places[0].county.get("/v1/indicators")
    assert (waiting.status_code, waiting.json()["code"]) == (503, "figures_behind")
    assert int(waiting.headers["retry-after"]) > 0
    await count_indicators(owner, clock.now(), chunk=2)
    assert await numbers(places[0].county, "own_discovery") == (4, 4)


async def test_counting_at_the_same_time_counts_each_case_once(
    places: list[Place], writer: figures.Rows, database_url: str, owner: asyncpg.Connection
) -> None:
    import asyncio

    now = clock.now()
    for _ in range(30):
        closed_case(writer, places[0].spot.village, now)
    owners = [await asyncpg.connect(database_url) for _ in range(3)]
    counted = await asyncio.gather(*(count_indicators(o, now, chunk=7) for o in owners))
    for connection in owners:
        await connection.close()
    assert sum(counted) >= 30
    assert await numbers(places[0].county, "own_discovery") == (30, 30)
    assert await owner.fetchval("SELECT count(*) FROM indicator_case") == 30
    assert await count_indicators(owner, now) == 0


@pytest.mark.parametrize("counted", [False, True], ids=["tail", "sums"])
@pytest.mark.parametrize("fate", ["void", "merged", "rejected", "drill"])
async def test_what_is_no_case_is_in_no_figure(
    places: list[Place], writer: figures.Rows, owner: asyncpg.Connection, fate: str,
    *, counted: bool,
) -> None:  # fmt: skip
    village, now = places[0].spot.village, clock.now()
    figures.add(writer, now, village)
    case = figures.add(writer, now, village, drill=fate == "drill")
    if fate != "drill":
        await count_indicators(owner, now)
        assert await numbers(places[0].county, "own_discovery") == (2, 2)
        figures.change(writer, case, now, state=fate)
    if counted:
        await count_indicators(owner, now)
    assert await numbers(places[0].county, "own_discovery") == (1, 1)


async def test_the_workers_job_counts_what_was_done(
    places: list[Place], writer: figures.Rows, settings: Settings
) -> None:
    for _ in range(3):
        figures.add(writer, clock.now(), places[0].spot.village)
    [job] = [job for job in jobs(settings) if job.name == "indicators.count"]
    assert job.cron == "*/1 * * * *"
    queue = make_queue(settings.dsn, [job])
    async with queue.open_async(), upkeep_for(settings, queue) as upkeep:
        await job.work(upkeep)
    kept = "SELECT reported FROM indicator_figure WHERE area_code = %s AND span = 'month'"
    assert writer.execute(kept, (places[0].spot.county,)).fetchall() == [(3,), (3,)]
    assert await numbers(places[0].county, "own_discovery") == (3, 3)
