"""Work calendars and service hours over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from service.incidents.policies import workday_schemas
from service.incidents.policies.events import CALENDAR, HOURS, case_id_of
from tests.cases import Place
from tests.people import People, Person
from tests.worktimes import at, told

COUNTY = "511723"
DEFAULT = [["09:00", "12:00"], ["14:00", "18:00"]]
NIGHT = [["18:00", "24:00"]]
NEW_YEAR = {"date": "2031-01-01", "kind": "holiday", "name": "元旦"}
MADE_UP = {"date": "2031-01-04", "kind": "workday"}  # a Saturday


@pytest.fixture(scope="module")
def admin(people: People) -> Person:
    return people.make(("administrator", COUNTY))


@pytest.fixture(scope="module")
def worker(place: Place) -> Person:
    return place.worker


async def enter(who: Person, year: int, *days: dict[str, Any], **more: Any) -> httpx.Response:
    body = {"days": list(days), "source": "国办发明电〔2030〕1号", **more}
    return await who.http.put(f"/v1/work-calendars/{year}", json=body)


async def set_hours(who: Person, area: str, spans: Any) -> httpx.Response:
    return await who.http.put(f"/v1/service-hours/{area}", json={"spans": spans})


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_new_deployment_knows_the_statutory_years(worker: Person) -> None:
    page = (await worker.get("/v1/work-calendars")).json()
    workday_schemas.WorkCalendarPage.model_validate(page)
    years = [row["year"] for row in page["items"]]
    assert {2024, 2025, 2026} <= set(years)
    assert years == sorted(years, reverse=True)
    found = (await worker.get("/v1/work-calendars/2026")).json()
    worked = {d["date"] for d in found["days"] if d["kind"] == "workday"}
    assert worked == {
        "2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10",
    }  # fmt: skip
    assert "chinesecalendar" in found["source"]


async def test_a_year_is_entered_and_corrected(admin: Person, worker: Person, app: FastAPI) -> None:
    assert (await worker.get("/v1/work-calendars/2031")).status_code == 404
    epoch = (await app.state.response.current()).epoch
    made = await enter(admin, 2031, MADE_UP, NEW_YEAR)
    assert made.status_code == 200, made.text
    entered = workday_schemas.WorkCalendarOut.model_validate(made.json())
    assert [str(d.date) for d in entered.days] == ["2031-01-01", "2031-01-04"]
    assert entered.version == 1
    rules = await app.state.response.current()
    assert rules.epoch == epoch + 1
    line = rules.worktime_for(COUNTY)
    assert line.position(at("2031-01-05 09:00")) - line.position(at("2031-01-01 00:00")) == (
        3 * 7 * 3_600
    )
    assert (await enter(admin, 2031, NEW_YEAR)).json()["version"] == 2
    assert (await worker.get("/v1/work-calendars/2031")).json()["days"] == [NEW_YEAR]
    rows = await app.state.db.writes.fetch(
        "SELECT event FROM case_event WHERE case_id = $1 ORDER BY seq", case_id_of(CALENDAR, 2031)
    )
    assert [r["event"] for r in rows] == ["work_calendar.entered", "work_calendar.changed"]


@pytest.mark.parametrize(
    ("days", "codes"),
    [
        ([{"date": "2032-01-01", "kind": "holiday"}], {("/days/0/date", "other_year")}),
        ([NEW_YEAR, NEW_YEAR], {("/days/1/date", "duplicate")}),
        ([{"date": "2031-01-02", "kind": "workday"}], {("/days/0/kind", "works_anyway")}),
    ],
)
async def test_days_that_contradict_the_year_are_refused(
    admin: Person, worker: Person, days: list[dict[str, Any]], codes: set[tuple[str, str]]
) -> None:
    before = (await worker.get("/v1/work-calendars/2031")).json()
    refused = await enter(admin, 2031, *days)
    assert refusal(refused) == (422, "bad_work_calendar")
    assert {(e["pointer"], e["code"]) for e in refused.json()["errors"]} == codes
    assert (await worker.get("/v1/work-calendars/2031")).json() == before


@pytest.mark.parametrize("year", [1, 1999, 2200, 9999])
async def test_a_year_that_no_calendar_has_is_404(admin: Person, year: int) -> None:
    assert (await enter(admin, year)).status_code == 404
    assert (await admin.get(f"/v1/work-calendars/{year}")).status_code == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/work-calendars/0", {"days": [], "source": "x"}),
        ("/v1/work-calendars/x", {"days": [], "source": "x"}),
        ("/v1/work-calendars/2031", {"days": [{"date": "2031-02-30", "kind": "holiday"}],
                                     "source": "x"}),
        ("/v1/work-calendars/2031", {"days": [{"date": "2031-02-03", "kind": "feast"}],
                                     "source": "x"}),
        ("/v1/work-calendars/2031", {"days": []}),
        ("/v1/service-hours/511723", {"spans": [["9:00", "12:00"]]}),
        ("/v1/service-hours/511723", {"spans": [["09:00"]]}),
        ("/v1/service-hours/511723", {"spans": [["09:00", "25:00"]]}),
        ("/v1/service-hours/5117", {"spans": DEFAULT}),
    ],
)  # fmt: skip
async def test_what_is_no_calendar_or_hours_is_refused(
    admin: Person, path: str, body: dict[str, Any]
) -> None:
    assert (await admin.http.put(path, json=body)).status_code == 422


@pytest.mark.parametrize(
    ("spans", "code"),
    [([], "empty"), ([["12:00", "09:00"]], "backwards"),
     ([["09:00", "12:00"], ["11:00", "18:00"]], "overlapping")],
)  # fmt: skip
async def test_hours_that_contradict_themselves_are_refused(
    admin: Person, spans: Any, code: str
) -> None:
    refused = await set_hours(admin, COUNTY, spans)
    assert refusal(refused) == (422, "bad_service_hours")
    assert [e["code"] for e in refused.json()["errors"]] == [code]


async def test_the_most_specific_hours_hold_until_they_are_taken_away(
    admin: Person, worker: Person, place: Place, app: FastAPI
) -> None:
    spot = place.spot
    found = (await worker.get(f"/v1/service-hours/{spot.grid}")).json()
    workday_schemas.HoursInForce.model_validate(found)
    assert (found["inherited_from"], found["spans"]) == (COUNTY, DEFAULT)
    assert found["work_day_seconds"] == 25_200
    for area, spans in ((spot.township, [["08:30", "18:00"]]), (spot.village, NIGHT)):
        made = await set_hours(admin, area, spans)
        assert made.status_code == 200, made.text
        workday_schemas.AreaHours.model_validate(made.json())
    found = (await worker.get(f"/v1/service-hours/{spot.grid}")).json()
    assert (found["inherited_from"], found["spans"]) == (spot.village, NIGHT)
    own = (await worker.get(f"/v1/service-hours/{spot.township}")).json()
    assert (own["inherited_from"], own["spans"]) == (None, [["08:30", "18:00"]])
    rules = await app.state.response.current()
    policy = rules.policy(1)
    due = rules.start(policy, "accept", 3, {}, spot.grid, at("2026-03-04 10:00"))
    assert due is not None
    assert told(due.due) == "2026-03-04 22:00:00"
    inside = (await worker.get(f"/v1/service-hours?area={spot.township}")).json()
    assert [row["area"] for row in inside["items"]] == [spot.township, spot.village]
    first = (await worker.get("/v1/service-hours?limit=1")).json()
    assert [row["area"] for row in first["items"]] == [COUNTY]
    second = (await worker.get(f"/v1/service-hours?limit=1&cursor={first['next']}")).json()
    assert [row["area"] for row in second["items"]] == [spot.township]
    gone = await admin.http.delete(f"/v1/service-hours/{spot.village}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await admin.http.delete(f"/v1/service-hours/{spot.village}")).status_code == 404
    found = (await worker.get(f"/v1/service-hours/{spot.grid}")).json()
    assert found["inherited_from"] == spot.township
    rows = await app.state.db.writes.fetch(
        "SELECT event FROM case_event WHERE case_id = $1 ORDER BY seq",
        case_id_of(HOURS, spot.village),
    )
    assert [r["event"] for r in rows] == ["service_hours.entered", "service_hours.deleted"]


async def test_the_countys_hours_change_but_stay(admin: Person, worker: Person) -> None:
    refused = await admin.http.delete(f"/v1/service-hours/{COUNTY}")
    assert refusal(refused) == (409, "county_hours_needed")
    assert (await set_hours(admin, COUNTY, [["08:00", "16:00"]])).status_code == 200
    assert (await worker.get(f"/v1/service-hours/{COUNTY}")).json()["work_day_seconds"] == 28_800
    assert (await set_hours(admin, COUNTY, DEFAULT)).status_code == 200


@pytest.mark.parametrize("area", ["511799", "511723999", "511723999999", "511723999999999"])
async def test_hours_of_no_area_are_404(admin: Person, area: str) -> None:
    assert (await set_hours(admin, area, DEFAULT)).status_code == 404
    assert (await admin.get(f"/v1/service-hours/{area}")).status_code == 404
    assert (await admin.http.delete(f"/v1/service-hours/{area}")).status_code == 404


async def test_only_the_countys_administrator_changes_work_time(
    worker: Person, people: People, place: Place
) -> None:
    local = people.make(("administrator", place.spot.township))
    for who in (worker, place.county, local):
        assert (await enter(who, 2031)).status_code == 403
        assert (await set_hours(who, place.spot.township, DEFAULT)).status_code == 403
        path = f"/v1/service-hours/{place.spot.township}"
        assert (await who.http.delete(path)).status_code == 403
