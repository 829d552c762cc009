"""Publishing again: what is kept, what is new, what retires; and the other code scheme."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import psycopg
import pytest
import shapely
from fastapi import FastAPI

from service.areas.checks import worker
from service.areas.checks.examiner import Examiner
from service.areas.seed import load_county_at
from service.config import Settings
from service.main import create_app
from tests.areas import (
    TestVillage,
    codes_in_force,
    drawn,
    feature,
    findings,
    geojson,
    make_village,
    published,
    submit,
)
from tests.conftest import create_database, drop_database, server_url, with_database
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


async def test_a_delineation_is_published_once(admin: Person, village: TestVillage) -> None:
    done = await published(admin, drawn(village), village.code)
    again = await admin.post(f"/v1/delineations/{done['id']}/publish")
    assert (again.status_code, again.json()["code"]) == (409, "already_published")


async def test_of_two_publications_at_once_one_wins_and_the_other_must_be_checked_again(
    admin: Person, village: TestVillage
) -> None:
    drafts = [(await submit(admin, drawn(village), village.code)).json()["id"] for _ in range(3)]
    answers = await asyncio.gather(
        *(admin.post(f"/v1/delineations/{draft}/publish") for draft in drafts)
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200, 409, 409]
    refused = {a.json()["code"] for a in answers if a.status_code == 409}
    assert refused <= {"delineation_stale", "busy"}
    assert len(await codes_in_force(admin, village)) == 4

    stale = next(d for d, a in zip(drafts, answers, strict=True) if a.status_code == 409)
    checked = await admin.post(f"/v1/delineations/{stale}/check")
    assert checked.status_code == 200
    assert checked.json()["report"]["plan"] == {"new": 0, "keep": 4, "adjust": 0, "retire": 0}
    assert (await admin.post(f"/v1/delineations/{stale}/publish")).status_code == 200
    assert len(await codes_in_force(admin, village)) == 4


async def test_drawing_again_keeps_what_is_equal_corrects_what_is_named_and_retires_the_rest(
    admin: Person, village: TestVillage
) -> None:
    first = await published(admin, drawn(village), village.code)
    # Top row: equal, and corrected by its code; bottom row: drawn anew in three parts.
    again = geojson([
        feature(village.cell(0, 0), village.code),
        feature(village.area(1, 0, 2, 1.1), village.code, grid_code=f"{village.code}002"),
        feature(village.area(0, 1, 0.6, 2), village.code),
        feature(village.area(0.6, 1, 1, 2), village.code),
        feature(village.area(1, 1.1, 2, 2), village.code),
    ])  # fmt: skip
    sent = await submit(admin, again, village.code)
    assert sent.json()["report"]["plan"] == {"new": 3, "keep": 1, "adjust": 1, "retire": 2}
    url = f"/v1/delineations/{sent.json()['id']}/publish"
    missing = await admin.post(url)
    assert (missing.status_code, missing.json()["code"]) == (422, "approval_document_missing")
    done = await admin.post(url, {"approval_document": "开网格〔2026〕2号"})
    assert done.status_code == 200, done.text
    made = {g["feature"]: (g["decision"], g["code"][-3:]) for g in done.json()["grids"]}
    assert made == {
        0: ("keep", "001"), 1: ("adjust", "002"), 2: ("new", "005"), 3: ("new", "006"),
        4: ("new", "007"),
    }  # fmt: skip
    assert done.json()["retired"] == [f"{village.code}003", f"{village.code}004"]

    kept = (await admin.get(f"/v1/grids/{village.code}001")).json()
    corrected = (await admin.get(f"/v1/grids/{village.code}002")).json()
    assert (kept["version"], corrected["version"]) == (1, 2)
    assert kept["provenance"]["delineation_id"] == first["id"]
    assert corrected["provenance"]["delineation_id"] == done.json()["id"]
    assert corrected["change"]["approval_document"] == "开网格〔2026〕2号"

    ended = (await admin.get(f"/v1/grids/{village.code}003")).json()
    assert ended["status"] == "retired"
    assert [s["code"][-3:] for s in ended["successors"]] == ["005", "006"]
    # What the corrected grid took from a retired one is told as well.
    other = (await admin.get(f"/v1/grids/{village.code}004/lineage")).json()
    steps = {s["child_code"][-3:]: s["overlap_m2"] for s in other["descendants"]}
    assert steps.keys() == {"002", "007"}
    assert steps["007"] > 8 * steps["002"]


async def test_codes_are_never_used_again(admin: Person, village: TestVillage) -> None:
    halves = geojson([feature(village.area(0, 0, 2, 1), village.code),
                      feature(village.area(0, 1, 2, 2), village.code)])  # fmt: skip
    await published(admin, drawn(village), village.code)
    for expected in (["005", "006"], ["007", "008", "009", "010"], ["011", "012"]):
        content = halves if len(expected) == 2 else drawn(village)
        done = await published(admin, content, village.code, approval_document="批〔1〕")
        assert [g["code"][-3:] for g in done["grids"]] == expected


async def test_a_delineation_without_effect_any_more_is_superseded(
    admin: Person, village: TestVillage
) -> None:
    first = await published(admin, drawn(village), village.code)
    one = geojson([feature(village.boundary, village.code)])
    await published(admin, one, village.code, approval_document="批〔2〕")
    assert (await admin.get(f"/v1/delineations/{first['id']}")).json()["status"] == "superseded"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("elsewhere", "grid_code_moved"),
        ("twice", "grid_code_twice"),
        ("other kind", "grid_code_unknown"),
    ],
)
async def test_a_correction_is_a_correction(
    admin: Person, village: TestVillage, change: str, code: str
) -> None:
    await published(admin, drawn(village), village.code)
    first = f"{village.code}001"
    cells = [feature(cell, village.code) for cell in village.cells()]
    if change == "elsewhere":
        cells[3]["properties"]["grid_code"] = first
    if change == "twice":
        cells[0] = feature(village.area(0, 0, 0.6, 1), village.code, grid_code=first)
        cells.append(feature(village.area(0.6, 0, 1, 1), village.code, grid_code=first))
    if change == "other kind":
        cells.append(feature(village.cell(0, 0), village.code, kind="dedicated", grid_code=first))
    sent = await submit(admin, geojson(cells), village.code)
    assert sent.json()["status"] == "refused"
    assert code in await findings(admin, sent.json()["id"])


@pytest.fixture(scope="module")
async def other_scheme(
    template_database: str, settings: Settings
) -> AsyncIterator[tuple[People, str]]:
    """A deployment that chose the code scheme of 12 + 3 digits, loaded by the same loader."""
    server = server_url()
    name = f"{template_database}_db11"
    create_database(server, name, template_database)
    url = with_database(server, name)
    with psycopg.connect(url) as connection:
        connection.execute(
            "TRUNCATE grid, grid_version, grid_change, grid_lineage, delineation CASCADE"
        )
    assert load_county_at(url, code_scheme="db11")
    assert not load_county_at(url, code_scheme="db11"), "loading twice changes nothing"
    others = settings.model_dump(exclude={"database_url", "code_scheme"})
    application = create_app(Settings(DATABASE_URL=url, code_scheme="db11", **others))
    async with application.router.lifespan_context(application):
        transport = httpx.ASGITransport(app=application)
        async with httpx.AsyncClient(transport=transport, base_url="http://other.test") as client:
            yield People(application, client, url), url
    drop_database(server, name)


async def test_the_other_code_scheme_works_from_upload_to_split(
    other_scheme: tuple[People, str],
) -> None:
    people, url = other_scheme
    admin = people.make(("administrator", COUNTY))
    counted = await admin.get("/v1/grids?area=511723001001&limit=200")
    codes = [grid["code"] for grid in counted.json()["items"]]
    assert codes == [f"511723001001{n:03}" for n in range(1, len(codes) + 1)]
    assert {g["kind"] for g in counted.json()["items"]} == {"basic", "dedicated"}

    village = make_village(url, 1)
    school = feature(village.area(0.1, 0.1, 0.2, 0.2), village.code, kind="dedicated")
    content = geojson([school, *(feature(c, village.code) for c in village.cells())])
    done = await published(admin, content, village.code)
    assert [g["code"][-3:] for g in done["grids"]] == ["005", "001", "002", "003", "004"]
    micro = feature(village.cell(0, 0), village.code, kind="micro")
    cells = [feature(c, village.code) for c in village.cells()]
    refused = await submit(admin, geojson([*cells, micro]), village.code)
    assert await findings(admin, refused.json()["id"]) == ["micro_not_in_scheme"]

    parts = [{"geometry": json.loads(shapely.to_geojson(village.area(*p)))}
             for p in ((0, 1, 0.5, 2), (0.5, 1, 1, 2))]  # fmt: skip
    body = {"parts": parts, "crs": "wgs84", "approval_document": "批"}
    split = await admin.post(f"/v1/grids/{village.code}003/split", body)
    assert [g["code"][-3:] for g in split.json()["grids"]] == ["006", "007"]
    told = (await admin.get(f"/v1/grid-codes/{village.code}006")).json()
    assert (told["scheme"], told["valid"], told["parts"]["kind"]) == ("db11", True, None)
    long = (await admin.get(f"/v1/grid-codes/{village.code}00601")).json()
    assert [p["code"] for p in long["problems"]] == ["code_length"]
