"""The examples of calls, sub-orders and merging work: sent as they stand, case by case."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from service.incidents.together.examples import CASE, OTHER_UNIT, UNIT
from tests.cases import Place
from tests.people import People, Person
from tests.schema.contract import operation, sent
from tests.together import on_order, ordered, shown

# What is done with the sub-order before, and by whom the example is sent.
ORDERS: dict[str, tuple[str, str]] = {
    "accept_sub_order": ("", "unit"),
    "refuse_sub_order": ("", "unit"),
    "submit_sub_order": ("accept", "unit"),
    "approve_sub_order": ("accept submit", "county"),
    "send_back_sub_order": ("accept submit", "county"),
    "transfer_sub_order": ("", "county"),
    "withdraw_sub_order": ("", "county"),
    "assign_sub_order": ("refuse transfer refuse", "county"),
}
BODIES = {
    "submit": {"note": "好"}, "refuse": {"note": "不接"}, "transfer": {"unit": UNIT},
}  # fmt: skip
CASES = (
    "call_incident", "request_help_incident", "issue_sub_orders", "set_closing_rule_incident",
)  # fmt: skip


@pytest.fixture(scope="module")
def unit(people: People, place: Place, database_url: str) -> Person:
    """A handler of the unit that the examples name; both of their units are there."""
    with psycopg.connect(database_url) as connection:
        for code in (UNIT, OTHER_UNIT):
            connection.execute(
                "INSERT INTO unit (code, name_zh, name_en, tier, area_code, active)"
                " VALUES (%s, '单位', 'unit', 4, %s, true) ON CONFLICT DO NOTHING",
                (code, place.spot.county),
            )
    return people.make(("unit_handler", place.spot.county, UNIT))


async def play(
    who: Person, name: str, case: dict[str, Any], which: int = 0, order: str = ""
) -> None:
    op = operation(name)
    path = op.path.replace("{incident_id}", case["id"]).replace("{sub_order_id}", order)
    answer = await who.http.request(op.method, path, **sent(op, which))
    assert answer.status_code == 200, answer.text
    assert list(op.faults(answer)) == []


@pytest.mark.parametrize("name", ORDERS)
async def test_an_action_on_a_sub_order_takes_its_example(
    name: str, place: Place, unit: Person
) -> None:
    before, by = ORDERS[name]
    case = await place.bring_to("assigned")
    (order,) = await ordered(place, case, UNIT)
    for action in before.split():
        who = place.county if action == "transfer" else unit
        answer = await on_order(who, case, order, action, **BODIES.get(action, {}))
        assert answer.status_code == 200, answer.text
    await play(unit if by == "unit" else place.county, name, case, order=order["id"])


@pytest.mark.parametrize("name", CASES)
async def test_a_step_of_a_case_takes_its_examples(name: str, place: Place, unit: Person) -> None:
    for which in range(len(operation(name).examples())):
        case = await place.report()
        for who, action in ((place.village, "escalate"), (place.village, "accept")):
            case = (await place.act(who, case, action)).json()
        await play(place.village, name, case, which)


async def test_called_units_answer_and_arrive_by_example(place: Place, unit: Person) -> None:
    case = await place.bring_to("accepted")
    for which in range(2):
        await place.act(place.county, case, "call", units=[UNIT])
        await play(unit, "answer_incident", case, which)
    await place.act(place.county, case, "call", units=[UNIT])
    await play(unit, "arrive_call_incident", case)


async def test_cases_are_merged_declined_and_split_off_by_example(place: Place) -> None:
    made = await place.worker.post("/v1/incidents", place.body(id=CASE))
    assert made.status_code == 201, made.text
    case = await place.report()
    for name in ("decline_duplicate_incident", "merge_incident", "split_off_incident"):
        await play(place.county, name, case)
    assert (await shown(place.county, case))["state"] == "accepted"
