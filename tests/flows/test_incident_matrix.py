"""State × action and role × action × scope, generated from the tables and played over HTTP."""

from __future__ import annotations

import pytest

from service.auth.permissions import ROLE_PERMISSIONS, Permission, Role
from service.incidents.workflow import INCIDENT
from tests.cases import NEEDED, PATHS, Place
from tests.people import Person

STEPS = [s for s in INCIDENT.steps if s.sources and not s.part and not s.automatic]
ACTIONS = [step.action for step in STEPS]
# Who was not called has nothing to answer (see test_community_calls).
OF_THE_CALLED = ("answer", "arrive-call")
HANDLING = ("arrive", "handle", "submit", "return", "extend")
DECIDING = ("approve-extension", "refuse-extension")


def doer(place: Place, action: str) -> Person:
    """Who may take `action` on a case at county tier that UNIT has in hand."""
    return place.handler if action in HANDLING else place.county


@pytest.mark.parametrize("state", PATHS)
async def test_from_each_state_only_the_tables_actions_succeed(place: Place, state: str) -> None:
    """Each illegal action is 409 (or the guard's own refusal) and leaves the case as it was."""
    case = await place.bring_to(state)
    legal = {s.action for s in INCIDENT.steps_from(state)}
    for action in ACTIONS:
        if action in legal:
            continue
        answer = await place.act(doer(place, action), case, action)
        assert answer.status_code in (403, 404, 409), f"{state} {action}: {answer.text}"
        if answer.status_code == 409:
            assert answer.json()["code"] == "action_not_allowed"
    after = await place.county.get(f"/v1/incidents/{case['id']}")
    assert (after.json()["state"], after.json()["version"]) == (state, case["version"])


@pytest.mark.parametrize(
    ("state", "action"),
    [(state, step.action) for state in PATHS for step in STEPS if state in step.sources],
)
async def test_buttons_tell_the_truth(place: Place, state: str, action: str) -> None:
    """`available_actions` lists an action exactly when taking it succeeds, for both doers."""
    case = await place.bring_to(state)
    if action in DECIDING:
        asked = await place.act(place.handler, case, "extend")
        assert asked.status_code == 200, asked.text
    for who in (place.handler, place.county):
        seen = await who.get(f"/v1/incidents/{case['id']}")
        offered = seen.status_code == 200 and action in seen.json()["available_actions"]
        answer = await place.act(who, case, action)
        assert (answer.status_code == 200) == offered, f"{who.login}: {answer.text}"
        if offered:
            assert answer.json()["state"] == (INCIDENT.step(action).target or state)
            return
    assert action not in legal_for_somebody(state)


def legal_for_somebody(state: str) -> set[str]:
    """What one of the two doers must be able to do to a case in `state`, assigned to UNIT."""
    return {step.action for step in STEPS if state in step.sources} - BEYOND_BOTH.get(state, set())


# No handler has an accepted case in hand yet, the county is the last tier, and who reports is
# neither of the two.
BEYOND_BOTH = {
    state: {"escalate", "self-handle", *OF_THE_CALLED}
    | ({"arrive", "handle"} if state == "accepted" else set())
    for state in PATHS
}

ROLES = {
    "grid_worker": "worker",
    "proxy_agent": "agent",
    "village_dispatcher": "village",
    "township_dispatcher": "township",
    "county_dispatcher": "county",
    "unit_handler": "handler",
    "auditor": "auditor",
    "administrator": "administrator",
    "integration_client": "system",
}


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_sees_inside_its_scope_and_nothing_outside(
    places: list[Place], role: str
) -> None:
    here, there = places[0], places[1]
    case = await here.report()
    inside, outside = getattr(here, ROLES[role]), getattr(there, ROLES[role])
    reads = Permission.INCIDENT_READ in ROLE_PERMISSIONS[Role(role)] and role != "unit_handler"
    countywide = role in ("county_dispatcher", "auditor", "integration_client")
    expected = {inside.id: 200 if reads else 404, outside.id: 200 if countywide else 404}
    for who in (inside, outside):
        path = f"/v1/incidents/{case['id']}"
        assert (await who.get(path)).status_code == expected[who.id], who.login
        assert (await who.get(f"{path}/timeline")).status_code == expected[who.id]
        listed = await who.get("/v1/incidents", params={"number": case["number"]})
        if Permission.INCIDENT_READ in ROLE_PERMISSIONS[Role(role)]:
            assert len(listed.json()["items"]) == (1 if expected[who.id] == 200 else 0)
        else:
            assert listed.status_code == 403


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("action", ACTIONS)
async def test_each_role_takes_only_its_actions_and_never_outside_its_scope(
    places: list[Place], role: str, action: str
) -> None:
    here, there = places[0], places[1]
    step = INCIDENT.step(action)
    case = await here.report()
    stranger = getattr(there, ROLES[role])
    countywide = role in ("county_dispatcher", "auditor", "integration_client")
    if not countywide:
        answer = await here.act(stranger, case, action)
        assert answer.status_code == 404, answer.text
    member = getattr(here, ROLES[role])
    permitted = Permission(step.permission) in ROLE_PERMISSIONS[Role(role)]
    readable = (await member.get(f"/v1/incidents/{case['id']}")).status_code == 200
    answer = await here.act(member, case, action)
    if not readable:
        assert answer.status_code == 404
    elif not permitted:
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    elif action in OF_THE_CALLED:
        assert (answer.status_code, answer.json()["code"]) == (403, "not_called")
    else:
        legal = "reported" in step.sources
        assert answer.status_code == 200 if legal else answer.status_code in (403, 409), answer.text


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_reports_or_does_not(place: Place, role: str) -> None:
    permitted = Permission.INCIDENT_REPORT in ROLE_PERMISSIONS[Role(role)]
    answer = await getattr(place, ROLES[role]).post("/v1/incidents", place.body())
    assert answer.status_code == (201 if permitted else 403), answer.text


@pytest.mark.parametrize(
    ("tier", "climbs", "may"),
    [
        (1, 0, ("worker", "village", "township", "county")),
        (2, 1, ("village", "township", "county")),
        (3, 2, ("township", "county")),
        (4, 3, ("county",)),
    ],
)
async def test_a_tier_is_held_by_itself_and_those_above(
    place: Place, tier: int, climbs: int, may: tuple[str, ...]
) -> None:
    for name in ("worker", "village", "township", "county"):
        case = await place.report()
        for _ in range(climbs):
            case = (await place.act(place.county, case, "escalate")).json()
        assert case["holder"]["tier"] == tier
        answer = await place.act(getattr(place, name), case, "accept")
        assert (answer.status_code == 200) == (name in may), answer.text
        if name not in may:
            assert answer.json()["code"] == "held_by_higher_tier"


def test_the_paths_reach_every_state_that_a_step_leads_to() -> None:
    targets = {step.target for step in INCIDENT.steps if step.target}
    assert targets == set(PATHS)
    assert set(NEEDED) <= set(ACTIONS)
