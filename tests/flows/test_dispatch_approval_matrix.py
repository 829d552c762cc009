"""Approvals: state × action and role × action × scope, generated from the tables, over HTTP."""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from service.auth.permissions import ROLE_PERMISSIONS, Permission, Role
from service.config import Settings
from service.duties.workflow import APPROVAL, ASKED_FOR, CLOSED_STATES, OPEN_STATES, STATES
from tests.cases import Place
from tests.duties import DOERS, PATH, PATHS, Approvals, expire, run_out, use
from tests.people import Person

ACTIONS = [step.action for step in ASKED_FOR]
READ = Permission.DISPATCH_APPROVAL_READ
ROLES = {
    "grid_worker": "worker",
    "proxy_agent": "agent",
    "village_dispatcher": "village",
    "township_dispatcher": "township",
    "county_dispatcher": "second_county",
    "unit_handler": "handler",
    "auditor": "auditor",
    "administrator": "administrator",
    "integration_client": "system",
}


async def bring_to(app: FastAPI, settings: Settings, place: Place, state: str) -> dict[str, object]:
    """An approval in any state, also those that nobody asks for over HTTP."""
    approvals = Approvals(place)
    if state == "used":
        made = await approvals.bring_to("approved")
        await use(app.state.db, made, place.county.id)
    elif state == "expired":
        made = await approvals.ask()
        run_out(settings, made)
        await expire(settings)
    else:
        made = await approvals.bring_to(state)
    found = (await place.county.get(f"{PATH}/{made['id']}")).json()
    assert found["state"] == state
    return dict(found)


@pytest.mark.parametrize("state", STATES)
async def test_from_each_state_only_the_tables_actions_succeed(
    app: FastAPI, settings: Settings, place: Place, state: str
) -> None:
    """Each illegal action is 409 and leaves the approval as it was."""
    made = await bring_to(app, settings, place, state)
    legal = {step.action for step in APPROVAL.steps_from(state)}
    for action in ACTIONS:
        if action in legal:
            continue
        who = getattr(place, DOERS[action][1])
        answer = await Approvals(place).act(who, made, action)
        assert answer.status_code == 409, f"{state} {action}: {answer.text}"
        assert answer.json()["code"] in ("action_not_allowed", "opinion_missing")
    after = (await place.county.get(f"{PATH}/{made['id']}")).json()
    assert (after["state"], after["version"]) == (state, made["version"])


@pytest.mark.parametrize(
    ("state", "action"),
    [(state, action) for state in STATES for action in ACTIONS],
)
async def test_buttons_tell_the_truth(
    app: FastAPI, settings: Settings, place: Place, state: str, action: str
) -> None:
    """`available_actions` lists an action exactly when taking it succeeds, whoever takes part."""
    made = await bring_to(app, settings, place, state)
    for name in ("auditor", "village", "township", "second_county", "county"):
        who: Person = getattr(place, name)
        seen = await who.get(f"{PATH}/{made['id']}")
        offered = seen.status_code == 200 and action in seen.json()["available_actions"]
        answer = await Approvals(place).act(who, made, action)
        assert (answer.status_code == 200) == offered, f"{name}: {answer.text}"
        if offered:
            assert answer.json()["state"] == APPROVAL.step(action).target
            assert answer.json()["version"] == made["version"] + 1
            return


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_sees_inside_its_scope_and_nothing_outside(
    places: list[Place], role: str
) -> None:
    here, there = places[0], places[1]
    made = await Approvals(here).ask(target_area=here.spot.village)
    inside, outside = getattr(here, ROLES[role]), getattr(there, ROLES[role])
    permitted = READ in ROLE_PERMISSIONS[Role(role)]
    countywide = role in ("county_dispatcher", "auditor")
    sees = {inside.id: permitted and role != "unit_handler", outside.id: permitted and countywide}
    for who in (inside, outside):
        one = await who.get(f"{PATH}/{made['id']}")
        assert one.status_code == (200 if sees[who.id] else 404), who.login
        listed = await who.get(PATH, params={"case_id": made["case_id"]})
        if permitted:
            assert len(listed.json()["items"]) == sees[who.id]
        else:
            assert listed.status_code == 403


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("action", ACTIONS)
async def test_each_role_takes_only_its_actions_and_never_outside_its_scope(
    places: list[Place], role: str, action: str
) -> None:
    here, there = places[0], places[1]
    approvals = Approvals(here)
    made = await approvals.bring_to(DOERS[action][0])
    stranger: Person = getattr(there, ROLES[role])
    if role not in ("county_dispatcher", "auditor"):
        assert (await approvals.act(stranger, made, action)).status_code == 404
    member: Person = getattr(here, ROLES[role])
    readable = (await member.get(f"{PATH}/{made['id']}")).status_code == 200
    permitted = Permission(APPROVAL.step(action).permission) in ROLE_PERMISSIONS[Role(role)]
    answer = await approvals.act(member, made, action)
    if not readable:
        assert answer.status_code == 404
    elif not permitted:
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    elif action == "withdraw":
        assert (answer.status_code, answer.json()["code"]) == (403, "not_own_request")
    else:
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_asks_or_does_not(place: Place, role: str) -> None:
    permitted = Permission.DISPATCH_APPROVAL_REQUEST in ROLE_PERMISSIONS[Role(role)]
    answer = await getattr(place, ROLES[role]).post(PATH, Approvals(place).body())
    assert answer.status_code == (201 if permitted else 403), answer.text


def test_the_table_is_whole() -> None:
    assert {step.target for step in APPROVAL.steps} == set(STATES) == OPEN_STATES | CLOSED_STATES
    assert set(PATHS) | {"used", "expired"} == set(STATES)
    assert set(ACTIONS) == set(DOERS)
    assert {step.permission for step in APPROVAL.steps} <= set(Permission)
    assert all(APPROVAL.steps_from(state) == () for state in CLOSED_STATES)
