"""The examples of the contract work: sent as they stand, where the thing is in the right state."""

from __future__ import annotations

from typing import Any

import pytest

from tests import duties
from tests.cases import Place
from tests.people import People, Person
from tests.schema.contract import Operation, operation, sent
from tests.schema.world import World
from tests.worktimes import enter_years

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
    "extend_incident": ("on_site", "handler"),
    "suspend_incident": ("on_site", "county"),
    "resume_incident": ("suspended", "county"),
    "urge_incident": ("on_site", "county"),
    "supervise_incident": ("on_site", "county"),
}
# Examples that need nothing but their caller, and the administrator of the county to be one.
STANDING = [
    "report_incident", "locate_grids", "submit_delineation", "create_account", "change_account",
    "create_unit", "change_unit", "end_assignment", "upload_attachment", "import_plan",
    "draft_category_set", "draft_response_policy", "simulate_response_policy", "put_service_hours",
    "draft_duty_list", "revoke_token", "create_emergency_plan", "revise_emergency_plan",
    "create_stock_item", "change_stock_item", "put_travel_mode", "register_resource",
    "enter_stock_movement", "reveal_resource_contact", "start_activation",
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


@pytest.mark.parametrize("name", ["approve_extension_incident", "refuse_extension_incident"])
async def test_an_extension_is_decided_by_example(name: str, place: Place) -> None:
    case, op = await place.bring_to("on_site"), operation(name)
    assert (await place.act(place.handler, case, "extend")).status_code == 200
    await play(place.county, op, op.path.replace("{incident_id}", case["id"]))


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


async def test_a_drafted_policy_takes_its_examples_and_is_published(
    world: World, everybody: Person
) -> None:
    draft: dict[str, Any] = (await everybody.post("/v1/response-policies", {})).json()
    await enter_years(everybody)
    for name in ("put_response_policy", "publish_response_policy"):
        op = operation(name)
        await play(everybody, op, op.path.replace("{version}", str(draft["version"])))


async def test_a_year_takes_the_example_of_a_calendar(world: World, everybody: Person) -> None:
    op = operation("put_work_calendar")
    year = op.examples()[0]["days"][0]["date"][:4]
    await play(everybody, op, op.path.replace("{year}", year))


async def test_a_draft_takes_the_example_of_a_duty(world: World, everybody: Person) -> None:
    made: dict[str, Any] = (await everybody.post("/v1/duty-lists", {"kind": "township"})).json()
    op = operation("put_duty_item")
    path = op.path.replace("{version}", str(made["version"])).replace("{code}", "T0903")
    await play(everybody, op, path)


async def test_a_request_outside_the_list_takes_its_example(everybody: Person) -> None:
    op = operation("request_dispatch_approval")
    await play(everybody, op, op.path)


@pytest.mark.parametrize("action", duties.DOERS)
async def test_a_step_of_an_approval_takes_its_examples(action: str, place: Place) -> None:
    approvals = duties.Approvals(place)
    state, who = duties.DOERS[action]
    op = operation(duties.OPERATIONS[action])
    for which in range(len(op.examples())):
        made = await approvals.bring_to(state)
        path = op.path.replace("{approval_id}", made["id"])
        await play(getattr(place, who), op, path, which)


async def test_an_emergency_and_a_drill_go_by_example(world: World, everybody: Person) -> None:
    area = {"area": world.place.spot.township, "level": 3, "plan": "511723-epidemic"}
    made = []
    for drill in (False, True):
        body = {**area, "reason": "聚集性疫情", "drill": drill}
        made.append((await everybody.post("/v1/activations", body)).json()["id"])
    team = {"kind": "team", "name": "队", "owner_unit": "511723-emergency", "capacity": 20,
            "location": world.place.body()["location"]}  # fmt: skip
    resource = (await everybody.post("/v1/resources", team)).json()["id"]

    def path(op: Operation, which: int = 0) -> str:
        filled = op.path.replace("{activation_id}", made[which])
        return filled.replace("{resource_id}", resource)

    allocating = operation("allocate_resource")
    example = {**allocating.examples()[0], "activation": made[0]}
    assert (await everybody.post(path(allocating), example)).status_code == 200
    for name in ("release_resource", "change_activation_level", "send_tracks", "end_activation",
                 "change_resource"):  # fmt: skip
        op = operation(name)
        await play(everybody, op, path(op))
    for name in ("end_activation", "evaluate_drill"):
        op = operation(name)
        await play(everybody, op, path(op, 1))
