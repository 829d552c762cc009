"""The county dispatches to a township or a village what the duty list holds, or with approval."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.cases import Place
from tests.duties import OUTSIDE, Approvals

LISTED = "0601"


@pytest.fixture(scope="module")
def office(place: Place, database_url: str) -> str:
    """A unit of the township."""
    code = f"{place.spot.township}-TESTOFFICE"
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO unit (code, name_zh, name_en, tier, area_code, active)"
            " VALUES (%s, '试验镇综合办', 'test office', 3, %s, true)",
            (code, place.spot.township),
        )
    return code


async def accepted(place: Place, category: str) -> dict[str, Any]:
    """A case that the county has accepted."""
    case = await place.report(category=category)
    answer = await place.act(place.county, case, "accept")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def last_event(place: Place, case: dict[str, Any]) -> dict[str, Any]:
    found = await place.county.get(f"/v1/incidents/{case['id']}/timeline")
    return dict(found.json()["items"][-1])


async def test_what_is_listed_goes_to_the_township_and_says_by_which_item(
    place: Place, office: str
) -> None:
    case = await accepted(place, LISTED)
    answer = await place.act(place.county, case, "assign", unit=office)
    assert answer.status_code == 200, answer.text
    [ground] = (await last_event(place, case))["payload"]["duty_list"]
    assert (ground["item"], ground["clause"], ground["ground"]) == ("T0601", "35.3", "listed")


async def test_what_the_county_took_back_is_refused_with_the_clause(
    place: Place, office: str
) -> None:
    case = await accepted(place, OUTSIDE)
    answer = await place.act(place.county, case, "assign", unit=office)
    refused = answer.json()
    assert (answer.status_code, refused["code"]) == (409, "outside_duty_list"), answer.text
    assert refused["clause"] == "35.2"
    person = await place.act(
        place.county, case, "assign", unit=None, account=str(place.township.id)
    )
    assert (person.status_code, person.json()["clause"]) == (409, "35.2")
    village = await place.act(place.county, case, "assign", unit=None, account=str(place.worker.id))
    assert (village.status_code, village.json()["clause"]) == (409, "25.1")
    helping = await place.act(
        place.county, case, "request-help", sub_orders=[{"unit": office, "task": "协助执法"}]
    )
    assert (helping.status_code, helping.json()["code"]) == (409, "outside_duty_list")
    untouched = (await place.county.get(f"/v1/incidents/{case['id']}")).json()
    assert untouched["version"] == case["version"]


async def test_the_township_itself_dispatches_what_it_likes(place: Place, office: str) -> None:
    case = await accepted(place, OUTSIDE)
    answer = await place.act(place.township, case, "assign", unit=office)
    assert answer.status_code == 200, answer.text


async def test_an_approval_opens_the_way_once(place: Place, office: str) -> None:
    case = await accepted(place, OUTSIDE)
    approvals = Approvals(place)
    asked = await approvals.ask(case_id=case["id"], target_unit=office)
    for who, action in ((place.township, "opinion"), (place.second_county, "approve")):
        answer = await approvals.act(who, asked, action)
        assert answer.status_code == 200, answer.text
    done = await place.act(place.county, case, "assign", unit=office)
    assert done.status_code == 200, done.text
    assert (await last_event(place, case))["payload"]["approvals"] == [asked["id"]]
    used = (await place.county.get(f"/v1/dispatch-approvals/{asked['id']}")).json()
    assert used["state"] == "used"
    again = await place.act(place.county, case, "transfer", unit=office)
    assert (again.status_code, again.json()["code"]) == (409, "outside_duty_list")


async def test_a_dispatch_that_is_refused_for_another_reason_keeps_its_approval(
    place: Place, office: str
) -> None:
    case = await accepted(place, OUTSIDE)
    approvals = Approvals(place)
    asked = await approvals.ask(case_id=case["id"], target_unit=office)
    for who, action in ((place.township, "opinion"), (place.second_county, "approve")):
        assert (await approvals.act(who, asked, action)).status_code == 200
    path = f"/v1/incidents/{case['id']}/assign"
    stale = await place.county.post(path, {"unit": office}, headers={"if-match": '"1"'})
    assert stale.status_code == 412
    kept = (await place.county.get(f"/v1/dispatch-approvals/{asked['id']}")).json()
    assert kept["state"] == "approved"
    assert (await place.county.post(path, {"unit": office})).status_code == 200
