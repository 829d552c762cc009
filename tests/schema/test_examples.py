"""The examples of the contract work: sent as they stand, where the thing is in the right state."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cases import Place
from tests.people import People, Person
from tests.schema.contract import Operation, operation, sent
from tests.schema.world import World

# Action to the state that its example needs, and who does it; `handler` is of the unit in charge.
PLAYED: dict[str, tuple[str, str]] = {
    "accept_incident": ("reported", "county"),
    "reject_incident": ("reported", "county"),
    "assign_incident": ("accepted", "county"),
    "transfer_incident": ("assigned", "county"),
    "arrive_incident": ("assigned", "handler"),
    "handle_incident": ("on_site", "handler"),
    "submit_incident": ("on_site", "handler"),
    "return_incident": ("assigned", "handler"),
    "verify_incident": ("submitted", "second_county"),
    "rework_incident": ("submitted", "second_county"),
    "close_incident": ("verifying", "county"),
    "follow_up_incident": ("closed", "county"),
    "reopen_incident": ("closed", "county"),
    "void_incident": ("accepted", "county"),
    "reveal_incident_contact": ("accepted", "county"),
}
# Examples that need nothing but their caller, and the administrator of the county to be one.
STANDING = [
    "report_incident", "locate_grids", "submit_delineation", "create_account", "change_account",
    "create_unit", "change_unit", "end_assignment", "upload_attachment", "import_plan",
    "draft_category_set", "revoke_token", "act_in_bulk",
]  # fmt: skip


@pytest.fixture(scope="module")
def everybody(people: People, world: World) -> Person:
    """Who reports, draws, administers."""
    county = world.place.spot.county
    return people.make(
        ("administrator", county), ("county_dispatcher", county), ("grid_worker", county + "001")
    )


async def play(who: Person, op: Operation, path: str, which: int = 0) -> None:
    """Send an example; it has to do what the operation is for."""
    answer = await who.http.request(op.method, path, **sent(op, which))
    assert answer.status_code < 300, answer.text
    assert list(op.faults(answer)) == []


@pytest.mark.parametrize("name", PLAYED)
async def test_an_action_takes_its_first_example(name: str, place: Place) -> None:
    op = operation(name)
    state, who = PLAYED[name]
    contact = {"name": "李明", "phone": "13800000000"}
    case = await place.bring_to(state, contact=contact)
    await play(getattr(place, who), op, op.path.replace("{incident_id}", case["id"]))


async def test_a_worker_handles_and_escalates_by_example(place: Place) -> None:
    for name, who, category in (
        ("self_handle_incident", place.worker, "0601"),
        ("escalate_incident", place.worker, "0502"),
    ):
        case = await place.report(category=category)
        op = operation(name)
        await play(who, op, op.path.replace("{incident_id}", case["id"]))


@pytest.mark.parametrize("name", STANDING)
async def test_an_operation_takes_its_examples(name: str, world: World, everybody: Person) -> None:
    op = operation(name)
    for which in range(len(op.examples())):
        await play(everybody, op, world.path(op.path), which)


async def test_a_draft_takes_the_example_of_a_category(world: World, everybody: Person) -> None:
    draft: dict[str, Any] = (await everybody.post("/v1/category-sets", {})).json()
    op = operation("put_category")
    path = op.path.replace("{version}", str(draft["version"])).replace("{code}", "0601")
    await play(everybody, op, path)
