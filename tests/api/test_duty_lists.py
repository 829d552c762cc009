"""Duty lists over HTTP: what is in force, checking a dispatch, drafting and publishing."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from service.auth.permissions import Role
from service.duties.lists import schemas
from service.duties.lists.cache import DutyCache
from service.duties.lists.events import CLAUSES, case_id_of
from tests.people import People, Person

COUNTY, HERE, THERE = "511723", "511723100", "511723205"
VILLAGE = "511723100200"
JSON = dict[str, Any]


@pytest.fixture(scope="module")
def admin(people: People) -> Person:
    return people.make(("administrator", COUNTY))


@pytest.fixture(scope="module")
def worker(people: People) -> Person:
    return people.make(("grid_worker", VILLAGE))


async def draft(admin: Person, kind: str = "township", **body: Any) -> int:
    """A new draft; its version."""
    answer = await admin.post("/v1/duty-lists", {"kind": kind, **body})
    assert answer.status_code == 201, answer.text
    made = schemas.DutyListVersion.model_validate(answer.json())
    assert answer.headers["location"] == f"/v1/duty-lists/{made.version}"
    return made.version


async def put(admin: Person, version: int, code: str, **fields: Any) -> httpx.Response:
    return await admin.http.put(f"/v1/duty-lists/{version}/items/{code}", json=fields)


async def publish(admin: Person, version: int) -> httpx.Response:
    return await admin.post(f"/v1/duty-lists/{version}/publish")


async def check(who: Person, category: str, area: str) -> schemas.DutyCheck:
    answer = await who.get(f"/v1/duty-list/check?category={category}&area={area}")
    assert answer.status_code == 200, answer.text
    return schemas.DutyCheck.model_validate(answer.json())


async def in_force(who: Person, query: str = "") -> schemas.DutyListInForce:
    answer = await who.get(f"/v1/duty-list{query}")
    assert answer.status_code == 200, answer.text
    return schemas.DutyListInForce.model_validate(answer.json())


def item(**changes: Any) -> JSON:
    """An item that stops nothing, with `changes`."""
    return {
        "name_zh": "占道经营劝导", "name_en": "Talking to street traders", "section": "basic",
        "categories": ["0903"], "basis": "《城市市容和环境卫生管理条例》", "clauses": ["35.3"],
        **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("category", "area", "verdict", "section", "clause"),
    [
        ("0601", HERE, "allowed", "basic", "35.3"),
        ("0604", HERE, "allowed", "cooperate", "35.3"),
        ("0702", HERE, "outside", "recovered", "35.2"),
        ("1004", THERE, "outside", "recovered", "35.2"),
        ("0101", VILLAGE, "allowed", "basic", "35.4"),
        ("0501", VILLAGE, "outside", "recovered", "25.1"),
    ],
)
async def test_the_default_lists_judge_a_dispatch(
    worker: Person, category: str, area: str, verdict: str, section: str, clause: str
) -> None:
    found = await check(worker, category, area)
    assert (found.verdict, found.section, found.clause) == (verdict, section, clause)
    assert found.kind == ("township" if len(area) == 9 else "community")
    assert found.item is not None
    assert {category, category[:2]} & set(found.item.categories)


@pytest.mark.parametrize(
    "query",
    ["", "?category=1004", f"?area={HERE}", f"?category=10&area={HERE}",
     f"?category=1004&area={COUNTY}", f"?category=1004&area={VILLAGE}001",
     f"?category=9999&area={HERE}", "?category=1004&area=五"],
)  # fmt: skip
async def test_a_check_of_nothing_that_there_is_is_refused(worker: Person, query: str) -> None:
    assert (await worker.get(f"/v1/duty-list/check{query}")).status_code == 422


async def test_a_township_reads_the_list_with_its_own_exceptions(
    admin: Person, worker: Person
) -> None:
    version = await draft(admin, note="年度调整")
    exception = {"township": THERE, "section": "recovered", "note": "无专业力量"}
    fields = item(lead_unit="511723-law-enforcement", exceptions=[exception])
    assert (await admin.http.delete(f"/v1/duty-lists/{version}/items/T0903")).status_code == 204
    assert (await put(admin, version, "T0904", **item(categories=["0904"]))).status_code == 200
    assert (await put(admin, version, "T0903", **fields)).json()["exceptions"] == [exception]
    before = await in_force(worker)
    assert before.version != version
    published = await publish(admin, version)
    assert published.status_code == 200, published.text
    head = schemas.PublishedDutyList.model_validate(published.json())
    assert (head.status, head.published_by, head.findings) == ("published", admin.id, [])
    for township, section in ((None, "basic"), (HERE, "basic"), (THERE, "recovered")):
        found = await in_force(worker, f"?township={township}" if township else "")
        shown = {i.code: i.section for i in found.items}
        assert (found.version, found.township, shown["T0903"]) == (version, township, section)
    assert (await check(worker, "0903", HERE)).verdict == "allowed"
    outside = await check(worker, "0903", THERE)
    assert (outside.verdict, outside.section, outside.clause) == ("outside", "recovered", "35.2")
    old = schemas.DutyListVersion.model_validate(
        (await admin.get(f"/v1/duty-lists/{before.version}")).json()
    )
    assert old.status == "retired"


async def test_the_two_kinds_are_published_apart(admin: Person, worker: Person) -> None:
    townships = (await in_force(worker)).version
    version = await draft(admin, "community")
    assert (await publish(admin, version)).status_code == 200
    assert (await in_force(worker, "?kind=community")).version == version
    assert (await in_force(worker)).version == townships


async def test_who_has_the_list_already_is_told_so(worker: Person) -> None:
    first = await worker.get(f"/v1/duty-list?township={HERE}")
    headers = {"if-none-match": first.headers["etag"]}
    again = await worker.get(f"/v1/duty-list?township={HERE}", headers=headers)
    assert (again.status_code, again.content) == (304, b"")
    assert (await worker.get("/v1/duty-list", headers=headers)).status_code == 200


async def test_a_draft_with_errors_is_not_published_and_says_where(
    admin: Person, worker: Person
) -> None:
    before = (await in_force(worker)).version
    version = await draft(admin)
    await put(admin, version, "T0998", section="cooperate", categories=["9999"])
    await put(
        admin, version, "T0999", **item(section="recovered", categories=["0601"]),
        lead_unit="no-such-unit", cooperating_units=[],
    )  # fmt: skip
    await put(admin, version, "T0997", **item(categories=["0601"]))
    await put(
        admin, version, "T0996",
        **item(categories=[], exceptions=[{"township": "511723999", "section": "basic"}]),
    )  # fmt: skip
    refused = await publish(admin, version)
    assert (refused.status_code, refused.json()["code"]) == (409, "duty_list_invalid")
    assert refused.json()["clause"] == "35.1"
    assert {(e["pointer"], e["code"]) for e in refused.json()["errors"]} == {
        ("/items/T0996/exceptions", "unknown_township"),
        ("/items/T0998/name_zh", "no_chinese_name"),
        ("/items/T0998/name_en", "no_english_name"),
        ("/items/T0998/basis", "no_basis"),
        ("/items/T0998/clauses", "no_clause"),
        ("/items/T0998/categories", "unknown_category"),
        ("/items/T0998/lead_unit", "no_lead"),
        ("/items/T0999/lead_unit", "unknown_unit"),
        ("/items/T0999/categories", "contradictory"),
    }
    checked = (await admin.post(f"/v1/duty-lists/{version}/validate")).json()
    assert schemas.DutyValidation.model_validate(checked).valid is False
    assert (await in_force(worker)).version == before


async def test_an_empty_list_is_not_published(admin: Person) -> None:
    version = await draft(admin, items=[])
    refused = await publish(admin, version)
    assert (refused.status_code, refused.json()["code"]) == (409, "duty_list_invalid")
    assert [e["code"] for e in refused.json()["errors"]] == ["empty"]


async def test_a_whole_list_can_be_submitted_and_an_item_in_it_twice_is_refused(
    admin: Person,
) -> None:
    one = {"code": "T0903", **item()}
    version = await draft(admin, items=[one])
    whole = (await admin.get(f"/v1/duty-lists/{version}")).json()
    assert [i["code"] for i in whole["items"]] == ["T0903"]
    twice = await admin.post("/v1/duty-lists", {"kind": "township", "items": [one, one]})
    assert (twice.status_code, twice.json()["code"]) == (422, "duplicate_item")


async def test_a_draft_copies_a_version_of_its_own_kind(admin: Person) -> None:
    version = await draft(admin, copy_of=1)
    rows = (await admin.get(f"/v1/duty-lists/{version}")).json()["items"]
    assert rows == (await admin.get("/v1/duty-lists/1")).json()["items"]
    missing = await admin.post("/v1/duty-lists", {"kind": "township", "copy_of": 999_999})
    assert missing.status_code == 404
    other = await admin.post("/v1/duty-lists", {"kind": "community", "copy_of": 1})
    assert (other.status_code, other.json()["code"]) == (422, "other_kind")


async def test_a_published_version_never_changes(admin: Person, worker: Person) -> None:
    version = (await in_force(worker)).version
    for answer in (
        await put(admin, version, "T0601", **item()),
        await admin.http.delete(f"/v1/duty-lists/{version}/items/T0601"),
        await publish(admin, version),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "duty_list_not_draft")


async def test_every_change_of_a_version_is_in_its_audit_trail(admin: Person, app: FastAPI) -> None:
    version = await draft(admin)
    await put(admin, version, "T0996", **item(categories=[]))
    await admin.http.delete(f"/v1/duty-lists/{version}/items/T0996")
    assert (await publish(admin, version)).status_code == 200
    rows = await app.state.db.writes.fetch(
        "SELECT seq, event, actor_id, clauses FROM case_event WHERE case_id = $1 ORDER BY seq",
        case_id_of(version),
    )
    assert [(r["seq"], r["event"]) for r in rows] == [
        (1, "duty_list.drafted"), (2, "duty_list.item_put"), (3, "duty_list.item_deleted"),
        (4, "duty_list.published"),
    ]  # fmt: skip
    assert {(r["actor_id"], tuple(r["clauses"])) for r in rows} == {(admin.id, CLAUSES["township"])}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"section": "ours"}, "/section"),
        ({"section": None}, "/section"),
        ({"categories": ["1"]}, "/categories/0"),
        ({"categories": ["０６"]}, "/categories/0"),
        ({"clauses": ["35"]}, "/clauses/0"),
        ({"lead_unit": ""}, "/lead_unit"),
        ({"basis": "a\x00b"}, "/basis"),
        ({"exceptions": [{"township": COUNTY, "section": "basic"}]}, "/exceptions/0/township"),
        ({"exceptions": [{"township": HERE}]}, "/exceptions/0/section"),
        ({"colour": "red"}, "/colour"),
    ],
)
async def test_what_cannot_be_stored_never_reaches_a_draft(
    admin: Person, body: JSON, pointer: str
) -> None:
    answer = await put(admin, 1, "T0601", **item(**body))
    assert answer.status_code == 422, answer.text
    assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("role", Role)
async def test_only_an_administrator_of_the_county_keeps_the_lists(
    people: People, role: Role
) -> None:
    unit = ("511723-housing",) if role is Role.UNIT_HANDLER else ()
    who = people.make((role.value, COUNTY, *unit))  # type: ignore[arg-type]
    allowed = role is Role.ADMINISTRATOR
    made = await who.post("/v1/duty-lists", {"kind": "township"})
    assert made.status_code == (201 if allowed else 403)
    assert (await who.get("/v1/duty-lists")).status_code == (200 if allowed else 403)
    assert (await who.get("/v1/duty-lists/1")).status_code == (200 if allowed else 403)
    assert (await in_force(who)).kind == "township"


async def test_an_administrator_of_a_township_does_not_keep_the_countys_lists(
    people: People,
) -> None:
    who = people.make(("administrator", HERE))
    assert (await who.post("/v1/duty-lists", {"kind": "township"})).status_code == 403


async def test_versions_are_listed_newest_first_in_pages_of_their_kind(admin: Person) -> None:
    for kind in ("township", "community"):
        seen: list[int] = []
        params: JSON = {"limit": 2, "kind": kind}
        while True:
            page = schemas.DutyListPage.model_validate(
                (await admin.get("/v1/duty-lists", params=params)).json()
            )
            assert {row.kind for row in page.items} <= {kind}
            seen += [row.version for row in page.items]
            if page.next is None:
                break
            params = {**params, "cursor": page.next}
        assert seen == sorted(seen, reverse=True)
        assert seen[-1] == (1 if kind == "township" else 2)
    bad = await admin.get("/v1/duty-lists", params={"cursor": params.get("cursor", "x")})
    assert (bad.status_code, bad.json()["code"]) == (400, "bad_cursor")


async def test_a_replayed_draft_is_one_draft_and_another_body_is_refused(admin: Person) -> None:
    key = {"idempotency-key": "duty-draft-1"}
    first = await admin.post("/v1/duty-lists", {"kind": "township"}, headers=key)
    again = await admin.post("/v1/duty-lists", {"kind": "township"}, headers=key)
    assert (first.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    other = await admin.post("/v1/duty-lists", {"kind": "community"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_drafts_made_at_the_same_time_get_versions_of_their_own(admin: Person) -> None:
    versions = await asyncio.gather(*(draft(admin) for _ in range(4)))
    assert len(set(versions)) == 4


async def test_another_process_sees_a_publication_by_its_epoch(admin: Person, app: FastAPI) -> None:
    elsewhere = DutyCache(app.state.db)
    assert elsewhere.peek().by_kind == {}
    before = await elsewhere.current()
    version = await draft(admin)
    assert (await publish(admin, version)).status_code == 200
    assert elsewhere.peek() is before
    after = await elsewhere.current()
    assert (after.by_kind["township"].version, after.epoch) == (version, before.epoch + 1)
    assert elsewhere.peek() is after
