"""Activations and drills go through the gate: state x action from the tables, chain, timeline."""

from __future__ import annotations

from uuid import UUID

import psycopg
import pytest

from service.commands.audit import CASE_TABLES
from service.emergency.workflow import ACTIVATION, ASKED_FOR, DRILL, workflow_of
from service.kit.audit import verify
from service.kit.ids import uuid7
from service.kit.timeline import Timeline
from tests.cases import spots
from tests.emergencies import FIRE, JSON, Scene, allocate, history, refused
from tests.people import People

BODIES: dict[str, JSON] = {
    "change-level": {"level": 2, "reason": "水位上涨"},
    "end": {"note": "险情解除"},
    "evaluate": {"participants": 9, "findings": "扩音设备不足", "next_on": "2100-01-01"},
}
WAYS: dict[str, tuple[str, ...]] = {
    "in_force": (),
    "ended": ("end",),
    "evaluated": ("end", "evaluate"),
}
CASES = [
    (drill, state, action)
    for drill in (False, True)
    for state in workflow_of(drill=drill).states
    for action in sorted(ASKED_FOR)
]


@pytest.fixture(scope="module")
def scenes(people: People, database_url: str) -> list[Scene]:
    return [Scene(people, spot, database_url) for spot in spots(database_url)]


@pytest.fixture(scope="module")
def scene(scenes: list[Scene]) -> Scene:
    return scenes[0]


async def brought(scene: Scene, state: str, *, drill: bool) -> JSON:
    """An activation or drill in that state; nothing of its kind is in force afterwards."""
    running = await scene.village.get(f"/v1/activations?state=in_force&drill={str(drill).lower()}")
    for row in running.json()["items"]:
        await scene.ended(row)
    made = await scene.started(drill=drill)
    for action in WAYS[state]:
        path = f"/v1/activations/{made['id']}/{action}"
        answer = await scene.village.post(path, BODIES[action])
        assert answer.status_code == 200, answer.text
        made = answer.json()
    assert made["state"] == state
    return made


@pytest.mark.parametrize(("drill", "state", "action"), CASES)
async def test_an_action_succeeds_exactly_where_the_table_has_it(
    scene: Scene, drill: bool, state: str, action: str
) -> None:
    """The buttons say the same; what is refused leaves the case as it was."""
    made = await brought(scene, state, drill=drill)
    legal = action in {step.action for step in workflow_of(drill=drill).steps_from(state)}
    assert (action in made["available_actions"]) == legal
    path = f"/v1/activations/{made['id']}"
    answer = await scene.village.post(f"{path}/{action}", BODIES[action])
    after = (await scene.village.get(path)).json()
    if legal:
        target = workflow_of(drill=drill).step(action).target
        assert (answer.status_code, answer.json()) == (200, after)
        assert (after["state"], after["version"]) == (target, made["version"] + 1)
    else:
        assert refused(answer)[0] == 409
        assert refused(answer)[1] in ("action_not_allowed", "not_a_drill")
        assert after == made


def test_the_tables_are_whole() -> None:
    for flow in (ACTIVATION, DRILL):
        assert {step.target for step in flow.steps if step.target} == set(flow.states)
        for state in flow.final:
            assert not ASKED_FOR & {step.action for step in flow.steps_from(state)}
    assert set(BODIES) == ASKED_FOR


async def test_what_is_given_and_taken_back_are_steps_of_the_case(
    scene: Scene, database_url: str
) -> None:
    made, team = await brought(scene, "in_force", drill=False), await scene.registered()
    path = f"/v1/activations/{made['id']}"
    assert (await allocate(scene.committee, team, made, quantity=3)).status_code == 200
    given = await scene.village.get(path)
    assert (given.headers["etag"], given.json()["allocations"]) == ('"2"', 1)
    # Who decides on what stood before is told so.
    stale = {"if-match": '"1"'}
    answer = await scene.village.post(f"{path}/end", BODIES["end"], headers=stale)
    assert refused(answer) == (412, "stale_version")
    freed = await scene.committee.post(f"/v1/resources/{team['id']}/release", {"note": "完成"})
    assert freed.status_code == 200
    assert (await scene.ended(made))["version"] == 4
    chain = history(database_url, made["id"])
    assert [(e.action, e.from_state, e.to_state) for e in chain] == [
        ("start", None, "in_force"), ("allocate", "in_force", "in_force"),
        ("release", "in_force", "in_force"), ("end", "in_force", "ended"),
    ]  # fmt: skip
    assert [e.actor_role for e in chain[:2]] == ["village_dispatcher", "unit_handler"]
    assert chain[1].clauses == ("17.2", "24.2")


async def test_a_timeline_shows_the_whole_case_to_who_sees_the_case(
    scene: Scene, scenes: list[Scene], database_url: str
) -> None:
    made, team = await brought(scene, "in_force", drill=True), await scene.registered()
    await allocate(scene.committee, team, made)
    await scene.ended(made)
    path = f"/v1/activations/{made['id']}/timeline"
    for reader in (scene.village, scene.worker, scene.committee, scene.county, scene.auditor):
        answer = await reader.get(path)
        assert answer.status_code == 200, reader.login
        found = Timeline.model_validate(answer.json()).items
        assert [(e.seq, e.event) for e in found] == [
            (1, "drill.started"), (2, "drill.resource_allocated"), (3, "drill.ended"),
        ]  # fmt: skip
        assert [e.actor_id for e in found] == [
            scene.village.id, scene.committee.id, scene.village.id,
        ]  # fmt: skip
        assert found[1].payload["resource"] == team["id"]
    assert len(history(database_url, made["id"])) == 3
    assert refused(await scenes[1].village.get(path)) == (404, "not_found")
    assert refused(await scene.system.get(path)) == (403, "forbidden")
    nothing = await scene.county.get(f"/v1/activations/{uuid7()}/timeline")
    assert refused(nothing) == (404, "not_found")


async def test_the_chains_verify_with_their_rows_and_a_change_behind_the_gate_shows(
    scene: Scene, database_url: str
) -> None:
    drill, team = await brought(scene, "in_force", drill=True), await scene.registered()
    await allocate(scene.committee, team, drill)
    real = await scene.started(plan=FIRE)
    assert (await allocate(scene.committee, team, real)).status_code == 200
    await scene.ended(real)
    await scene.ended(drill)
    with psycopg.connect(database_url, autocommit=True) as owner:
        assert verify(owner, case_tables=CASE_TABLES).clean
        for case in (drill, real):
            change = "UPDATE activation SET state = %s, ended_at = %s WHERE id = %s RETURNING 1"
            owner.execute(change, ("in_force", None, case["id"]))
            report = verify(owner, case_tables=CASE_TABLES, case_id=UUID(case["id"]))
            assert [f.what for f in report.findings] == ["state_differs"]
            owner.execute(change, ("ended", "2100-01-01", case["id"]))
