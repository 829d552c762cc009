"""While an emergency is in force the village commands; a drill's cases are marked as such."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI

from tests.cases import Place, spots
from tests.emergencies import Scene
from tests.people import People


@pytest.fixture(scope="module")
def scenes(people: People, database_url: str) -> list[Scene]:
    return [Scene(people, spot, database_url) for spot in spots(database_url)]


@pytest.fixture(scope="module")
def scene(scenes: list[Scene]) -> Scene:
    return scenes[0]


@pytest.fixture
def forget(app: FastAPI) -> Callable[[], None]:
    """What a process remembers of command is two seconds old at most; here it forgets at once."""
    return app.state.incidents.command._known.clear


async def held_by_county(place: Place) -> dict[str, Any]:
    case = await place.report()
    for _ in range(3):
        case = (await place.act(place.county, case, "escalate")).json()
    return case


async def test_in_an_emergency_the_village_decides_over_cases_of_every_tier(
    scene: Scene, forget: Callable[[], None]
) -> None:
    case = await held_by_county(scene)
    refused = await scene.act(scene.village, case, "accept")
    assert (refused.status_code, refused.json()["code"]) == (403, "held_by_higher_tier")
    activation = await scene.started()
    forget()
    seen = (await scene.village.get(f"/v1/incidents/{case['id']}")).json()
    assert "accept" in seen["available_actions"]
    answer = await scene.act(scene.village, case, "accept")
    assert answer.status_code == 200, answer.text
    events = (await scene.county.get(f"/v1/incidents/{case['id']}/timeline")).json()["items"]
    assert events[-1]["payload"]["activation"] == activation["id"]
    other = await held_by_county(scene)
    assert (await scene.act(scene.worker, other, "accept")).status_code == 403
    await scene.ended(activation)
    forget()
    assert (await scene.act(scene.village, other, "accept")).status_code == 403
    seen = (await scene.village.get(f"/v1/incidents/{other['id']}")).json()
    assert "accept" not in seen["available_actions"]


async def test_a_drill_hands_command_to_nobody_and_marks_its_cases(
    scene: Scene, forget: Callable[[], None]
) -> None:
    drill = await scene.started(drill=True)
    forget()
    case = await held_by_county(scene)
    assert (await scene.act(scene.village, case, "accept")).status_code == 403
    played = await scene.report(activation=drill["id"])
    assert (played["drill"], played["activation"]) == (True, drill["id"])
    assert (case["drill"], case["activation"]) == (False, None)
    await scene.ended(drill)
    late = await scene.worker.post("/v1/incidents", scene.body(activation=drill["id"]))
    assert (late.status_code, late.json()["code"]) == (422, "activation_not_in_force")


async def test_an_emergency_elsewhere_takes_no_report(scenes: list[Scene]) -> None:
    here, there = scenes[0], scenes[1]
    activation = await there.started()
    refused = await here.worker.post("/v1/incidents", here.body(activation=activation["id"]))
    assert (refused.status_code, refused.json()["code"]) == (422, "activation_not_in_force")
    taken = await there.report(activation=activation["id"])
    assert (taken["drill"], taken["activation"]) == (False, activation["id"])
    await there.ended(activation)


@pytest.mark.parametrize("value", ["x", 1, "00000000-0000-0000-0000-000000000000"])
async def test_an_activation_that_is_none_is_a_clear_problem(scene: Scene, value: Any) -> None:
    answer = await scene.worker.post("/v1/incidents", scene.body(activation=value))
    assert answer.status_code == 422
