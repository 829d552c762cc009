"""Response policies over HTTP: drafting, validating, publishing from a date, withdrawing."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from service.incidents.policies import schemas
from service.incidents.policies.cache import ResponseCache
from service.incidents.policies.events import POLICY, case_id_of
from service.incidents.policies.seed import defaults, seed_response
from tests.people import People, Person
from tests.worktimes import enter_years

COUNTY = "511723"


@pytest.fixture(scope="module")
async def admin(people: People) -> Person:
    made = people.make(("administrator", COUNTY))
    await enter_years(made)
    return made


@pytest.fixture(scope="module")
def worker(people: People) -> Person:
    return people.make(("grid_worker", "511723100200001"))


@pytest.fixture(scope="module")
def dispatcher(people: People) -> Person:
    return people.make(("county_dispatcher", COUNTY))


def policy(**levels: dict[str, str]) -> dict[str, Any]:
    """The default policy with limits of some levels replaced: `policy(_3={"accept": "2wh"})`."""
    made = copy.deepcopy(defaults().policy)
    for name, limits in levels.items():
        made["levels"][name[1:]] |= limits
    return made


async def draft(admin: Person, **body: Any) -> int:
    """A new draft; its version."""
    answer = await admin.post("/v1/response-policies", body)
    assert answer.status_code == 201, answer.text
    made = schemas.ResponsePolicyVersion.model_validate(answer.json())
    assert answer.headers["location"] == f"/v1/response-policies/{made.version}"
    assert (made.status, made.valid_from, made.valid_to) == ("draft", None, None)
    return made.version


async def put(admin: Person, version: int, body: dict[str, Any], **more: Any) -> httpx.Response:
    return await admin.http.put(f"/v1/response-policies/{version}", json={"policy": body, **more})


async def publish(admin: Person, version: int, **body: Any) -> httpx.Response:
    return await admin.post(f"/v1/response-policies/{version}/publish", body)


async def in_force(who: Person) -> dict[str, Any]:
    answer = await who.get("/v1/response-policy")
    assert answer.status_code == 200, answer.text
    return dict(schemas.PolicyInForce.model_validate(answer.json()).model_dump())


def soon(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_new_deployment_starts_with_the_default_policy(
    worker: Person, app: FastAPI
) -> None:
    found = await in_force(worker)
    assert found["version"] == 1
    assert found["policy"] == defaults().policy
    async with app.state.db.session(None) as session:
        assert await seed_response(session, COUNTY) is False


async def test_a_draft_shows_nowhere_until_it_is_published(admin: Person, worker: Person) -> None:
    before = await in_force(worker)
    version = await draft(admin, note="加快受理")
    edited = await put(admin, version, policy(_3={"accept": "2wh"}), note="三级两小时受理")
    assert edited.status_code == 200, edited.text
    assert edited.json()["note"] == "三级两小时受理"
    assert await in_force(worker) == before
    checked = await admin.post(f"/v1/response-policies/{version}/validate")
    assert checked.json() == {"valid": True, "findings": []}
    published = await publish(admin, version)
    assert published.status_code == 200, published.text
    head = schemas.PublishedPolicy.model_validate(published.json())
    assert (head.status, head.published_by, head.findings) == ("published", admin.id, [])
    now = await in_force(worker)
    assert now["version"] == version
    assert now["policy"]["levels"]["3"]["accept"] == "2wh"
    old = (await admin.get(f"/v1/response-policies/{before['version']}")).json()
    assert (old["status"], old["valid_to"]) == ("published", published.json()["valid_from"])
    assert old["policy"] == before["policy"]


async def test_a_policy_can_be_published_from_a_date_and_withdrawn_before_it(
    admin: Person, worker: Person, app: FastAPI
) -> None:
    before = await in_force(worker)
    version, other = await draft(admin), await draft(admin)
    begins = soon(7)
    planned = await publish(admin, version, valid_from=begins)
    assert planned.status_code == 200, planned.text
    assert datetime.fromisoformat(planned.json()["valid_from"]) == datetime.fromisoformat(begins)
    assert await in_force(worker) == before
    rules = await app.state.response.current()
    assert rules.policy_at(datetime.now(UTC)).version == before["version"]
    assert rules.policy_at(datetime.fromisoformat(begins)).version == version
    for overlapping in ({}, {"valid_from": begins}, {"valid_from": soon(6)}):
        refused = await publish(admin, other, **overlapping)
        assert refusal(refused) == (409, "overlapping_validity")
        assert str(version) in refused.json()["detail"]
    checked = (await admin.post(f"/v1/response-policies/{other}/validate")).json()
    assert {f["code"] for f in checked["findings"]} == {"overlapping_validity"}
    gone = await admin.post(f"/v1/response-policies/{version}/withdraw")
    assert (gone.status_code, gone.json()["status"]) == (200, "withdrawn")
    assert (await publish(admin, other)).status_code == 200
    assert (await in_force(worker))["version"] == other
    again = await admin.post(f"/v1/response-policies/{version}/withdraw")
    assert refusal(again) == (409, "response_policy_in_force")


async def test_what_is_in_force_is_never_withdrawn_edited_or_published_again(
    admin: Person, worker: Person
) -> None:
    version = (await in_force(worker))["version"]
    for answer, code in (
        (await admin.post(f"/v1/response-policies/{version}/withdraw"),
         "response_policy_in_force"),
        (await put(admin, version, policy()), "response_policy_not_draft"),
        (await publish(admin, version), "response_policy_not_draft"),
    ):  # fmt: skip
        assert refusal(answer) == (409, code)
    undrafted = await admin.post(f"/v1/response-policies/{await draft(admin)}/withdraw")
    assert refusal(undrafted) == (409, "response_policy_in_force")


async def test_a_policy_is_never_published_backwards(admin: Person) -> None:
    version = await draft(admin)
    refused = await publish(admin, version, valid_from=soon(-1))
    assert refusal(refused) == (422, "valid_from_past")
    assert refused.json()["errors"][0]["pointer"] == "/valid_from"


async def test_contradictions_stop_a_publication_and_are_told_with_their_place(
    admin: Person, worker: Person
) -> None:
    before = await in_force(worker)
    body = policy(_2={"finish": "30min"}, _3={"accept": "4days"})
    del body["levels"]["4"]
    body["tiers"]["1"] = "10min"
    version = await draft(admin, policy=body)
    refused = await publish(admin, version)
    assert refusal(refused) == (409, "response_policy_invalid")
    places = {(e["pointer"], e["code"]) for e in refused.json()["errors"]}
    assert places >= {
        ("/levels/2/finish", "finish_too_fast"),
        ("/levels/3/accept", "bad_duration"),
        ("/levels/4", "missing_level"),
        ("/tiers/1", "tier_too_fast"),
    }
    checked = (await admin.post(f"/v1/response-policies/{version}/validate")).json()
    assert checked["valid"] is False
    assert {(f["pointer"], f["code"]) for f in checked["findings"]} >= places
    schemas.PolicyValidation.model_validate(checked)
    assert await in_force(worker) == before


async def test_a_year_without_calendar_stops_a_publication_for_it(admin: Person) -> None:
    version = await draft(admin)
    refused = await publish(admin, version, valid_from="2150-03-01T00:00:00+08:00")
    assert refusal(refused) == (409, "response_policy_invalid")
    assert [e["code"] for e in refused.json()["errors"]] == ["calendar_missing"]
    assert "2150" in refused.json()["errors"][0]["detail"]


async def test_every_change_of_a_version_is_in_its_audit_trail(admin: Person, app: FastAPI) -> None:
    version = await draft(admin)
    await put(admin, version, policy(_4={"finish": "12wd"}))
    await publish(admin, version, valid_from=soon(3))
    await admin.post(f"/v1/response-policies/{version}/withdraw")
    rows = await app.state.db.writes.fetch(
        "SELECT event, actor_id, clauses FROM case_event WHERE case_id = $1 ORDER BY seq",
        case_id_of(POLICY, version),
    )
    assert [r["event"].removeprefix("response_policy.") for r in rows] == [
        "drafted", "edited", "published", "withdrawn",
    ]  # fmt: skip
    assert {(r["actor_id"], tuple(r["clauses"])) for r in rows} == {(admin.id, ("23.2",))}


async def test_a_draft_may_copy_any_version(admin: Person) -> None:
    copied = await draft(admin, copy_of=1)
    found = (await admin.get(f"/v1/response-policies/{copied}")).json()
    assert found["policy"] == defaults().policy
    missing = await admin.post("/v1/response-policies", {"copy_of": 999_999})
    assert missing.status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"policy": {"levels": {"5": {}}}}, "/policy/levels/5"),
        ({"policy": {"levels": {"3": {"clock": "lunar"}}}}, "/policy/levels/3/clock"),
        ({"policy": {"levels": {"3": {"finish": 3}}}}, "/policy/levels/3/finish"),
        ({"policy": {"levels": {"3": {"cordon": "2h"}}}}, "/policy/levels/3/cordon"),
        ({"policy": {"shares": {"amber": -1}}}, "/policy/shares/amber"),
        ({"policy": {"max_returns": "many"}}, "/policy/max_returns"),
        ({"copy_of": 0}, "/copy_of"),
        ({"surprise": 1}, "/surprise"),
    ],
)
async def test_bad_input_is_refused_with_its_place(
    admin: Person, body: dict[str, Any], pointer: str
) -> None:
    refused = await admin.post("/v1/response-policies", body)
    assert refused.status_code == 422
    assert any(e["pointer"].startswith(pointer) for e in refused.json()["errors"]), refused.text


async def test_who_may_read_and_who_may_change(
    admin: Person, dispatcher: Person, worker: Person, people: People
) -> None:
    version = await draft(admin)
    path = f"/v1/response-policies/{version}"
    local = people.make(("administrator", "511723100"))
    for reading in ("/v1/response-policies", path):
        assert (await dispatcher.get(reading)).status_code == 200
        assert (await worker.get(reading)).status_code == 403
        assert (await local.get(reading)).status_code == 403
    assert (await dispatcher.post(f"{path}/validate")).status_code == 200
    for who in (dispatcher, worker, local):
        for url, body in (("/v1/response-policies", {}), (f"{path}/publish", {}),
                          (f"{path}/withdraw", None), (f"{path}/simulate", {})):  # fmt: skip
            assert (await who.post(url, body)).status_code == 403, url
        assert (await put(who, version, policy())).status_code == 403
    assert (await worker.get("/v1/response-policy")).status_code == 200


async def test_versions_are_listed_newest_first_in_pages(admin: Person) -> None:
    await draft(admin)
    seen: list[int] = []
    cursor = ""
    while True:
        page = (await admin.get(f"/v1/response-policies?limit=3{cursor}")).json()
        schemas.PolicyPage.model_validate(page)
        seen += [row["version"] for row in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] == 1
    assert len(seen) == len(set(seen)) > 3


async def test_a_replay_gets_the_first_answer(admin: Person) -> None:
    key = {"Idempotency-Key": "policy-draft-once"}
    first = await admin.post("/v1/response-policies", {"note": "一"}, headers=key)
    again = await admin.post("/v1/response-policies", {"note": "一"}, headers=key)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    other = await admin.post("/v1/response-policies", {"note": "二"}, headers=key)
    assert refusal(other) == (409, "idempotency_key_reused")


async def test_another_process_sees_a_publication_by_its_epoch(admin: Person, app: FastAPI) -> None:
    elsewhere = ResponseCache(app.state.db)
    assert elsewhere.peek().policies == ()
    before = await elsewhere.current()
    version = await draft(admin)
    assert (await publish(admin, version)).status_code == 200
    assert elsewhere.peek() is before
    after = await elsewhere.current()
    assert after.epoch == before.epoch + 1
    assert after.policy(version).valid_from <= datetime.now(UTC)
    assert elsewhere.peek() is after
    assert await elsewhere.current() is after
