"""Delineations over HTTP: submit, read, publish, and who may."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from service.areas.checks import worker
from service.areas.checks.examiner import Examiner
from service.areas.schemas import delineations as schemas
from tests.areas import (
    TestVillage,
    codes_in_force,
    count,
    drawn,
    feature,
    findings,
    geojson,
    make_village,
    published,
    submit,
)
from tests.people import People, Person

COUNTY = "511723"
NUMBERS = iter(range(100))


@pytest.fixture(scope="module")
def admin(people: People) -> Person:
    return people.make(("administrator", COUNTY))


@pytest.fixture(autouse=True, scope="module")
def same_process(app: FastAPI) -> None:
    """Files are examined by the same code in a thread: a process costs half a second to start."""
    app.state.examiner = Examiner(lambda job: asyncio.to_thread(worker.run, job))


@pytest.fixture
def village(database_url: str) -> TestVillage:
    """A village of four cells that nobody has drawn yet."""
    return make_village(database_url, next(NUMBERS))


async def test_a_first_delineation_is_checked_published_and_numbered_from_the_north_west(
    admin: Person, village: TestVillage
) -> None:
    cells = village.cells()
    shuffled = [3, 1, 0, 2]
    content = geojson([feature(cells[i], village.code, households=10 + i) for i in shuffled])
    sent = await submit(admin, content, village.code)
    assert sent.status_code == 201, sent.text
    draft = schemas.Delineation.model_validate_json(sent.content)
    assert sent.headers["location"] == f"/v1/delineations/{draft.id}"
    assert (draft.status, draft.source_crs, draft.feature_count) == ("checked", "EPSG:4490", 4)
    assert draft.report.plan == schemas.Plan(new=4, keep=0, adjust=0, retire=0)
    assert draft.report.households == 46
    assert await codes_in_force(admin, village) == [], "a draft makes no grids"

    done = await admin.post(f"/v1/delineations/{draft.id}/publish")
    assert done.status_code == 200, done.text
    result = schemas.Published.model_validate_json(done.content)
    assert result.status == "published"
    assert {g.feature: g.code for g in result.grids} == {
        place: f"{village.code}0{cell + 1:02}" for place, cell in enumerate(shuffled)
    }
    one = (await admin.get(f"/v1/grids/{village.code}001")).json()
    assert one["provenance"]["map_review_number"] == "测审〔2025〕001号"
    assert (one["name"], one["households"], one["synthetic"]) == ("第01网格", 10, False)


async def test_the_published_grids_answer_for_positions_at_once(
    admin: Person, village: TestVillage
) -> None:
    await published(admin, drawn(village), village.code)
    point = village.cell(1, 1).centroid
    answer = await admin.get(f"/v1/grids/locate?lon={point.x}&lat={point.y}&crs=cgcs2000")
    assert answer.json()["code"] == f"{village.code}004"


async def test_every_kind_is_numbered_in_its_own_type_and_micro_grids_inside_their_parent(
    admin: Person, village: TestVillage
) -> None:
    features = [feature(c, village.code, kind="basic", ref=str(i))
                for i, c in enumerate(village.cells())]  # fmt: skip
    features += [
        feature(village.area(0.2, 0.2, 0.4, 0.4), village.code, kind="dedicated", name="小学"),
        feature(village.area(0, 1, 0.5, 2), village.code, kind="微网格", parent="2"),
        feature(village.area(0.5, 1, 1, 2), village.code, kind="micro"),
        feature(village.area(1.2, 1.2, 1.4, 1.4), village.code, kind="临时"),
    ]
    result = await published(admin, geojson(features), village.code)
    made = [grid["code"].removeprefix(village.code) for grid in result["grids"]]
    assert made == ["001", "002", "003", "004", "801", "00301", "00302", "901"]
    parent = (await admin.get(f"/v1/grids/{village.code}003")).json()
    assert parent["micro_grids"] == [f"{village.code}00301", f"{village.code}00302"]


async def test_a_part_of_an_area_may_be_drawn_and_the_rest_is_named(
    admin: Person, village: TestVillage
) -> None:
    sent = await submit(admin, drawn(village), "511723001")
    assert sent.json()["status"] == "checked"
    assert sent.json()["village_codes"] == [village.code]
    assert "villages_not_drawn" in await findings(admin, sent.json()["id"])


@pytest.mark.parametrize(
    ("area", "status", "code"),
    [
        ("51172", 422, "bad_code"),
        ("511723001９01", 422, "bad_code"),
        ("511723001998", 422, "unknown_area"),
        ("511723001001001", 422, "unknown_area"),
    ],
)
async def test_the_area_must_be_one(
    admin: Person, village: TestVillage, area: str, status: int, code: str
) -> None:
    answer = await submit(admin, drawn(village), area)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_deployment_takes_its_own_code_scheme_only(
    admin: Person, village: TestVillage
) -> None:
    answer = await submit(admin, drawn(village), village.code, scheme="db11")
    assert (answer.status_code, answer.json()["code"]) == (422, "scheme_not_in_use")
    assert (await submit(admin, drawn(village), village.code, scheme="cn15")).status_code == 201


@pytest.mark.parametrize(
    ("field", "value", "pointer"),
    [
        ("base_map", "", "/base_map"),
        ("base_map", "sketch", "/base_map"),
        ("scale", "", "/scale"),
        ("scale", "ten", "/scale"),
        ("scale", "0", "/scale"),
        ("surveyed_on", "", "/surveyed_on"),
        ("surveyed_on", "2999-01-01", "/surveyed_on"),
        ("surveyed_on", "05/01/2025", "/surveyed_on"),
        ("map_review_number", "", "/map_review_number"),
        ("map_review_number", "   ", "/map_review_number"),
        ("area_code", "", "/area_code"),
        ("colour", "red", "/colour"),
    ],
)
async def test_provenance_is_not_optional(
    admin: Person, village: TestVillage, field: str, value: str, pointer: str
) -> None:
    answer = await submit(admin, drawn(village), village.code, **{field: value})
    assert answer.status_code == 422
    assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]


async def test_who_may_draw_and_publish_and_where(
    people: People, admin: Person, village: TestVillage
) -> None:
    worker = people.make(("grid_worker", village.code))
    elsewhere = people.make(("administrator", "511723100"))
    local = people.make(("administrator", village.code))
    assert (await submit(worker, drawn(village), village.code)).status_code == 403
    outside = await submit(elsewhere, drawn(village), village.code)
    assert (outside.status_code, outside.json()["code"]) == (403, "outside_area")
    sent = await submit(local, drawn(village), village.code)
    assert sent.status_code == 201
    url = f"/v1/delineations/{sent.json()['id']}"
    for stranger in (worker, elsewhere):
        assert (await stranger.get(url)).status_code == 404, "a draft is not for everybody"
        assert (await stranger.get(f"{url}/findings")).status_code == 404
        listed = (await stranger.get("/v1/delineations")).json()["items"]
        assert all(item["status"] != "checked" for item in listed)
    assert (await elsewhere.post(f"{url}/publish")).status_code == 404
    assert (await worker.post(f"{url}/publish")).status_code == 403
    assert (await admin.get(url)).status_code == 200
    assert (await local.post(f"{url}/publish")).status_code == 200
    assert (await worker.get(url)).status_code == 200, "what is published is for everybody"


async def test_a_draft_is_walled_off_by_the_database_too(
    app: FastAPI, people: People, admin: Person, village: TestVillage
) -> None:
    sent = await submit(admin, drawn(village), village.code)
    draft = sent.json()["id"]
    stranger = people.make(("grid_worker", village.code))
    async with app.state.db.session(stranger.id) as session:
        query = text("SELECT count(*) FROM delineation_feature WHERE delineation_id = :id")
        assert await session.scalar(query, {"id": draft}) == 0
        changed = await session.execute(
            text("UPDATE grid SET retired_at = now() WHERE code = '511723001001001'")
        )
        assert changed.rowcount == 0


async def test_a_replay_gets_the_first_answer_and_another_file_under_the_key_is_refused(
    admin: Person, village: TestVillage, database_url: str
) -> None:
    key = {"Idempotency-Key": f"draw-{village.code}"}
    first = await submit(admin, drawn(village), village.code, headers=key)
    before = count(database_url, "delineation")
    again = await submit(admin, drawn(village), village.code, headers=key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    other = await submit(admin, drawn(village, None), village.code, headers=key, crs="wgs84")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert count(database_url, "delineation") == before


async def test_a_client_made_id_counts_once(admin: Person, village: TestVillage) -> None:
    own = "01a20aa7-0000-7000-8000-0000000000aa"
    first = await submit(admin, drawn(village), village.code, id=own)
    again = await submit(admin, drawn(village), village.code, id=own)
    assert first.json()["id"] == again.json()["id"] == own
    assert again.headers["idempotency-replayed"] == "true"
    other = await submit(admin, drawn(village, None), village.code, id=own, crs="gcj02")
    assert (other.status_code, other.json()["code"]) == (409, "id_taken")


async def test_lists_are_pages_that_can_be_walked(admin: Person, village: TestVillage) -> None:
    sent = [(await submit(admin, drawn(village), village.code)).json()["id"] for _ in range(3)]
    seen: list[str] = []
    url = f"/v1/delineations?area={village.code}&status=checked&limit=2"
    cursor = ""
    while cursor is not None:
        page = await admin.get(url + (f"&cursor={cursor}" if cursor else ""))
        shown = schemas.DelineationPage.model_validate_json(page.content)
        seen += [str(item.id) for item in shown.items]
        cursor = shown.next
    assert seen == sent[::-1]
    stale = await admin.get("/v1/delineations?cursor=" + "A" * 30)
    assert (stale.status_code, stale.json()["code"]) == (400, "bad_cursor")


async def test_what_is_synthetic_stays_labelled(admin: Person, village: TestVillage) -> None:
    await published(admin, drawn(village), village.code, synthetic="true")
    listed = (await admin.get(f"/v1/grids?area={village.code}")).json()["items"]
    assert all(grid["synthetic"] for grid in listed)


async def test_each_step_leaves_an_event_in_the_chain(
    admin: Person, village: TestVillage, database_url: str
) -> None:
    done = await published(admin, drawn(village), village.code)
    with psycopg.connect(database_url) as connection:
        told = connection.execute(
            "SELECT event, clauses FROM case_event WHERE case_id = %s ORDER BY seq", (done["id"],)
        ).fetchall()
        grids = connection.execute(
            "SELECT event FROM case_event WHERE case_kind = 'grid' AND payload->>'code' LIKE %s",
            (f"{village.code}%",),
        ).fetchall()
    assert told == [("delineation.submitted", ["23.2"]), ("delineation.published", ["23.2"])]
    assert grids == [("grid.created",)] * 4
