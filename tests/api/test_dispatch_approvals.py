"""Out-of-list dispatch approvals over HTTP: who asks, is heard, decides; what is refused."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import psycopg
import pytest

from service.config import Settings
from service.duties import schemas
from service.kit.ids import uuid7
from service.kit.timeline import Timeline
from tests.cases import OTHER_UNIT, UNIT, Place
from tests.duties import PATH, Approvals, run_out
from tests.people import People, Person

JSON = dict[str, Any]
TOWN_UNIT = "511723-t-town-station"


@pytest.fixture(scope="module")
def approvals(place: Place) -> Approvals:
    return Approvals(place)


@pytest.fixture(scope="module")
def town_unit(place: Place, settings: Settings) -> str:
    """A unit of the township that is asked."""
    with psycopg.connect(settings.dsn) as connection:
        connection.execute(
            "INSERT INTO unit (code, name_zh, name_en, tier, area_code, active)"
            " VALUES (%s, '试验站', 'station', 3, %s, true) ON CONFLICT DO NOTHING",
            (TOWN_UNIT, place.spot.township),
        )
    return TOWN_UNIT


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_timeline_shows_who_asked_was_heard_and_decided(
    approvals: Approvals, place: Place, places: list[Place]
) -> None:
    made = await approvals.bring_to("approved")
    path = f"{PATH}/{made['id']}/timeline"
    for reader in (place.county, place.second_county, place.township, place.auditor):
        answer = await reader.get(path)
        assert answer.status_code == 200, reader.login
        assert answer.headers["link"] == '</v1/plan/clauses/35.2>; rel="describedby"'
        found = Timeline.model_validate(answer.json()).items
        assert [(e.event, e.to_state, e.actor_id) for e in found] == [
            ("dispatch_approval.requested", "requested", place.county.id),
            ("dispatch_approval.opinion_given", "opinion_given", place.township.id),
            ("dispatch_approval.approved", "approved", place.second_county.id),
        ]
    for stranger in (places[1].township, place.worker):
        assert refusal(await stranger.get(path)) == (404, "not_found")


async def test_a_request_is_heard_decided_and_shows_all_that_was_recorded(
    approvals: Approvals, place: Place
) -> None:
    made = await approvals.ask(support="县局派 2 人")
    assert (made["state"], made["version"], made["clauses"]) == ("requested", 1, ["35.2"])
    assert (made["item"], made["requesting_unit"]) == ("T1004", None)
    heard = await approvals.act(place.township, made, "opinion", agrees=True, text="同意协助")
    assert heard.status_code == 200, heard.text
    assert heard.headers["etag"] == '"2"'
    assert heard.headers["link"] == '</v1/plan/clauses/35.2>; rel="describedby"'
    done = await approvals.act(place.second_county, made, "approve", note="限本次")
    assert done.status_code == 200, done.text
    shown = await place.county.get(f"{PATH}/{made['id']}")
    found = schemas.DispatchApproval.model_validate(shown.json())
    assert shown.headers["etag"] == '"3"'
    assert (found.state, found.support, found.requested_by) == (
        "approved", "县局派 2 人", place.county.id,
    )  # fmt: skip
    assert found.opinion is not None
    assert (found.opinion.agrees, found.opinion.text, found.opinion.by) == (
        True, "同意协助", place.township.id,
    )  # fmt: skip
    assert found.decision is not None
    assert (found.decision.note, found.decision.by) == ("限本次", place.second_county.id)
    assert found.expires_at > found.decision.at
    assert found.available_actions == ["withdraw"]


async def test_every_step_is_chained_with_its_clauses_and_role(
    approvals: Approvals, place: Place, settings: Settings
) -> None:
    made = await approvals.bring_to("denied")
    with psycopg.connect(settings.dsn) as connection:
        rows = connection.execute(
            "SELECT e.seq, e.event, e.from_state, e.to_state, e.actor_role, e.clauses,"
            " e.hash = a.head_hash AND e.seq = a.version"
            " FROM case_event e JOIN dispatch_approval a ON a.id = e.case_id"
            " WHERE e.case_id = %s AND e.case_kind = 'dispatch_approval' ORDER BY e.seq",
            (made["id"],),
        ).fetchall()
    assert rows == [
        (1, "dispatch_approval.requested", None, "requested", "county_dispatcher", ["35.2"], False),
        (2, "dispatch_approval.opinion_given", "requested", "opinion_given",
         "township_dispatcher", ["35.2"], False),
        (3, "dispatch_approval.denied", "opinion_given", "denied", "county_dispatcher", ["35.2"],
         True),
    ]  # fmt: skip


async def test_a_matter_for_a_community_goes_by_its_own_clauses(
    approvals: Approvals, place: Place
) -> None:
    made = await approvals.ask(target_area=place.spot.village)
    assert (made["clauses"], made["item"]) == (["25.1", "35.4"], "C1001")
    heard = await approvals.act(place.township, made, "opinion")
    assert heard.status_code == 200, heard.text
    assert (await place.village.get(f"{PATH}/{made['id']}")).status_code == 200


async def test_a_handler_asks_for_the_own_county_unit(approvals: Approvals, place: Place) -> None:
    made = await approvals.ask(place.handler)
    assert made["requesting_unit"] == UNIT
    assert (await approvals.ask(place.handler, unit=UNIT))["requesting_unit"] == UNIT
    for unit in (OTHER_UNIT, "no-such-unit"):
        refused = await place.handler.post(PATH, approvals.body(unit=unit))
        assert refusal(refused) == (403, "not_county_side")
    assert (await place.other_handler.get(f"{PATH}/{made['id']}")).status_code == 404


async def test_a_colleague_of_the_unit_reads_and_withdraws_and_nobody_else(
    approvals: Approvals, place: Place, people: People
) -> None:
    colleague = people.make(("unit_handler", place.spot.county, UNIT))
    made = await approvals.ask(place.handler)
    assert (await approvals.act(place.county, made, "withdraw")).json()["code"] == "not_own_request"
    assert (await approvals.act(place.other_handler, made, "withdraw")).status_code == 404
    gone = await approvals.act(colleague, made, "withdraw", note="已自行处置")
    assert (gone.status_code, gone.json()["state"]) == (200, "withdrawn")


async def test_a_unit_of_a_township_does_not_ask(
    approvals: Approvals, place: Place, people: People, town_unit: str
) -> None:
    who = people.make(("unit_handler", place.spot.township, town_unit))
    refused = await who.post(PATH, approvals.body())
    assert refusal(refused) == (403, "not_county_side")


async def test_a_named_unit_of_the_target_reads_what_is_asked_of_it_and_does_nothing(
    approvals: Approvals, place: Place, people: People, town_unit: str
) -> None:
    who = people.make(("unit_handler", place.spot.township, town_unit))
    made = await approvals.ask(target_unit=town_unit)
    shown = await who.get(f"{PATH}/{made['id']}")
    assert (shown.status_code, shown.json()["available_actions"]) == (200, [])
    assert (await approvals.act(who, made, "withdraw")).status_code == 403


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"category": "0601"}, 409, "within_duty_list"),
        ({"category": "9999"}, 422, "unknown_category"),
        ({"category": "10"}, 422, "invalid_input"),
        ({"target_area": "511723"}, 422, "invalid_input"),
        ({"target_area": "511723999"}, 422, "target_elsewhere"),
        ({"target_area": "511723999", "grid_code": "511723999001001"}, 422, "unknown_area"),
        ({"grid_code": "511723999001001"}, 422, "target_elsewhere"),
        ({"target_unit": "no-such-unit"}, 422, "unknown_unit"),
        ({"target_unit": UNIT}, 422, "target_unit_elsewhere"),
        ({"reason": " "}, 422, "invalid_input"),
        ({"case_id": "7"}, 422, "invalid_input"),
        ({"colour": "red"}, 422, "invalid_input"),
    ],
)
async def test_a_request_that_makes_no_sense_is_refused_and_leaves_nothing(
    approvals: Approvals, place: Place, changes: JSON, status: int, code: str
) -> None:
    body = approvals.body(**changes)
    assert refusal(await place.county.post(PATH, body)) == (status, code)
    listed = await place.county.get(PATH, params={"area": place.spot.county})
    assert body["case_id"] not in {row["case_id"] for row in listed.json()["items"]}


async def test_one_open_request_for_a_case_and_target(approvals: Approvals, place: Place) -> None:
    case = str(uuid7())
    body = approvals.body(case_id=case)
    answers = await asyncio.gather(*(place.county.post(PATH, body) for _ in range(4)))
    assert sorted(a.status_code for a in answers) == [201, 409, 409, 409]
    assert {refusal(a)[1] for a in answers if a.status_code == 409} == {"approval_pending"}
    made = next(a.json() for a in answers if a.status_code == 201)
    assert (await approvals.act(place.county, made, "withdraw")).status_code == 200
    assert (await place.county.post(PATH, body)).status_code == 201


async def test_an_opinion_comes_from_the_township_concerned_alone(
    places: list[Place], place: Place
) -> None:
    approvals = Approvals(place)
    made = await approvals.ask()
    stranger = places[1].township
    assert refusal(await approvals.act(stranger, made, "opinion")) == (404, "not_found")
    assert (await stranger.get(f"{PATH}/{made['id']}")).status_code == 404
    listed = await stranger.get(PATH)
    assert made["id"] not in {row["id"] for row in listed.json()["items"]}
    for who in (place.county, place.second_county, place.auditor):
        assert refusal(await approvals.act(who, made, "opinion")) == (403, "forbidden")
    assert (await place.county.get(f"{PATH}/{made['id']}")).json()["version"] == 1


@pytest.mark.parametrize("action", ["approve", "deny"])
async def test_nothing_is_decided_before_the_township_was_heard(
    approvals: Approvals, place: Place, action: str
) -> None:
    made = await approvals.ask()
    refused = await approvals.act(place.second_county, made, action)
    assert refusal(refused) == (409, "opinion_missing")
    assert refused.json()["clause"] == "35.2"


@pytest.mark.parametrize("action", ["approve", "deny"])
async def test_nobody_decides_the_own_request(
    approvals: Approvals, place: Place, action: str
) -> None:
    made = await approvals.bring_to("opinion_given")
    assert refusal(await approvals.act(place.county, made, action)) == (403, "own_part")


async def test_who_gave_the_opinion_or_asked_does_nothing_else(
    approvals: Approvals, place: Place, people: People
) -> None:
    both = people.make(
        ("county_dispatcher", place.spot.county), ("township_dispatcher", place.spot.township)
    )
    own = await approvals.ask(both)
    assert refusal(await approvals.act(both, own, "opinion")) == (403, "own_part")
    made = await approvals.ask()
    assert (await approvals.act(both, made, "opinion")).status_code == 200
    assert refusal(await approvals.act(both, made, "approve")) == (403, "own_part")


async def test_approving_against_the_township_needs_a_reason(
    approvals: Approvals, place: Place
) -> None:
    made = await approvals.ask()
    await approvals.act(place.township, made, "opinion", agrees=False, text="人手不足")
    refused = await approvals.act(place.second_county, made, "approve")
    assert refusal(refused) == (422, "reason_missing")
    assert refused.json()["errors"][0]["pointer"] == "/note"
    done = await approvals.act(place.second_county, made, "approve", note="县局派人同往")
    assert (done.status_code, done.json()["state"]) == (200, "approved")


async def test_a_step_is_taken_once(approvals: Approvals, place: Place) -> None:
    made = await approvals.bring_to("opinion_given")
    again = await approvals.act(place.township, made, "opinion", agrees=False, text="不同意")
    assert refusal(again) == (409, "action_not_allowed")
    answers = await asyncio.gather(
        approvals.act(place.second_county, made, "approve"),
        approvals.act(place.second_county, made, "deny"),
        approvals.act(place.second_county, made, "approve"),
    )
    assert sorted(a.status_code for a in answers) == [200, 409, 409]
    assert (await place.county.get(f"{PATH}/{made['id']}")).json()["version"] == 3


async def test_a_stale_version_is_412_and_changes_nothing(
    approvals: Approvals, place: Place
) -> None:
    made = await approvals.bring_to("opinion_given")
    who = place.second_county
    stale = await approvals.act(who, made, "approve", headers={"if-match": '"1"'})
    assert refusal(stale) == (412, "stale_version")
    assert stale.json()["current_version"] == 2
    odd = await approvals.act(who, made, "approve", headers={"if-match": "2"})
    assert refusal(odd) == (400, "bad_if_match")
    right = await approvals.act(who, made, "approve", headers={"if-match": '"2"'})
    assert right.status_code == 200


async def test_a_replay_gets_the_first_answer_and_another_body_is_refused(
    approvals: Approvals, place: Place
) -> None:
    key = {"idempotency-key": str(uuid7())}
    body = approvals.body()
    first = await place.county.post(PATH, body, headers=key)
    again = await place.county.post(PATH, body, headers=key)
    assert (first.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    other = await place.county.post(PATH, approvals.body(), headers=key)
    assert refusal(other) == (409, "idempotency_key_reused")
    made, key = first.json(), {"idempotency-key": str(uuid7())}
    for _ in range(2):
        heard = await approvals.act(place.township, made, "opinion", headers=key)
        assert (heard.status_code, heard.json()["version"]) == (200, 2)
    changed = await approvals.act(place.township, made, "opinion", text="另议", headers=key)
    assert refusal(changed) == (409, "idempotency_key_reused")


async def test_a_client_made_id_serves_as_key_and_belongs_to_one_request(
    approvals: Approvals, place: Place
) -> None:
    body = approvals.body(id=str(uuid7()))
    first = await place.county.post(PATH, body)
    assert (first.status_code, first.json()["id"]) == (201, body["id"])
    assert (await place.county.post(PATH, body)).json() == first.json()
    other = approvals.body(id=body["id"])
    assert refusal(await place.county.post(PATH, other))[0] == 409
    assert refusal(await place.second_county.post(PATH, other)) == (409, "id_taken")


@pytest.mark.parametrize(
    ("state", "who", "action"),
    [
        ("requested", "township", "opinion"),
        ("opinion_given", "second_county", "approve"),
        ("approved", "county", "withdraw"),
    ],
)
async def test_what_has_run_out_goes_no_further(
    approvals: Approvals, place: Place, settings: Settings, state: str, who: str, action: str
) -> None:
    made = await approvals.bring_to(state)
    run_out(settings, made)
    person: Person = getattr(place, who)
    assert refusal(await approvals.act(person, made, action)) == (409, "approval_expired")
    shown = await person.get(f"{PATH}/{made['id']}")
    assert shown.json()["available_actions"] == []


async def test_the_list_is_narrowed_and_paged(approvals: Approvals, place: Place) -> None:
    case = str(uuid7())
    made = [
        await approvals.ask(case_id=case, target_area=area)
        for area in (place.spot.township, place.spot.village)
    ]
    await approvals.act(place.county, made[0], "withdraw")
    asked: list[tuple[JSON, list[str]]] = [
        ({"case_id": case}, [made[1]["id"], made[0]["id"]]),
        ({"case_id": case, "state": "withdrawn"}, [made[0]["id"]]),
        ({"case_id": case, "state": ["withdrawn", "requested"]}, [made[1]["id"], made[0]["id"]]),
        ({"case_id": case, "area": place.spot.village}, [made[1]["id"]]),
        ({"case_id": case, "area": "511724"}, []),
    ]
    for params, expected in asked:
        page = schemas.DispatchApprovalPage.model_validate(
            (await place.township.get(PATH, params=params)).json()
        )
        assert [str(row.id) for row in page.items] == expected, params
    seen: list[UUID] = []
    params = {"limit": 1, "case_id": case}
    while True:
        page = schemas.DispatchApprovalPage.model_validate(
            (await place.county.get(PATH, params=params)).json()
        )
        seen += [row.id for row in page.items]
        if page.next is None:
            break
        params = {**params, "cursor": page.next}
    assert [str(i) for i in seen] == [made[1]["id"], made[0]["id"]]
    bad = await place.county.get(PATH, params={"cursor": params["cursor"]})
    assert refusal(bad) == (400, "bad_cursor")
    for query in ({"state": "open"}, {"limit": 0}, {"case_id": "x"}, {"area": "5117"}):
        assert (await place.county.get(PATH, params=query)).status_code == 422
