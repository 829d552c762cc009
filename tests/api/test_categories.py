"""Categories over HTTP: drafting, validating and publishing a new version of the tree."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from service.incidents.categories import schemas
from service.incidents.categories.cache import CategoryCache
from service.incidents.categories.errors import RetiredCategory, UnknownCategory
from service.incidents.categories.events import case_id_of
from service.incidents.categories.seed import seed_categories
from tests.people import People, Person

COUNTY = "511723"


@pytest.fixture(scope="module")
async def seeded(app: FastAPI) -> FastAPI:
    async with app.state.db.session(None) as session:
        await seed_categories(session)
        await session.commit()
    return app


@pytest.fixture(scope="module")
def admin(seeded: FastAPI, people: People) -> Person:
    return people.make(("administrator", COUNTY))


@pytest.fixture(scope="module")
def worker(seeded: FastAPI, people: People) -> Person:
    return people.make(("grid_worker", "511723100200001"))


async def draft(admin: Person, **body: Any) -> int:
    """A new draft; its version."""
    answer = await admin.post("/v1/category-sets", json=body)
    assert answer.status_code == 201, answer.text
    made = schemas.CategorySet.model_validate(answer.json())
    assert answer.headers["location"] == f"/v1/category-sets/{made.version}"
    return made.version


async def put(admin: Person, version: int, code: str, **fields: Any) -> httpx.Response:
    return await admin.http.put(f"/v1/category-sets/{version}/categories/{code}", json=fields)


async def publish(admin: Person, version: int) -> httpx.Response:
    return await admin.post(f"/v1/category-sets/{version}/publish")


def fields(name_zh: str = "测试", name_en: str = "Test", level: int = 3) -> dict[str, Any]:
    return {"name_zh": name_zh, "name_en": name_en, "level": level, "clauses": ["23.2"]}


async def edited_draft(admin: Person) -> int:
    """A draft with one category more, one retired, and one that came and went."""
    version = await draft(admin, note="电动自行车")
    bikes = fields("电动自行车入楼", "E-bike inside", 2) | {"limits": {"finish": "24h"}}
    toilets = fields("公共厕所问题", "Public toilet") | {"active": False}
    for code, body in (("0306", bikes), ("0605", toilets), ("0606", fields())):
        answer = await put(admin, version, code, **body)
        assert answer.status_code == 200, answer.text
        schemas.Category.model_validate(answer.json())
    gone = await admin.http.delete(f"/v1/category-sets/{version}/categories/0606")
    assert (gone.status_code, gone.content) == (204, b"")
    return version


async def test_a_draft_shows_nowhere_until_it_is_published(admin: Person, worker: Person) -> None:
    old = (await worker.get("/v1/categories")).json()
    version = await edited_draft(admin)
    assert (await worker.get("/v1/categories")).json() == old
    assert (await worker.get(f"/v1/categories?version={version}")).status_code == 404
    checked = await admin.post(f"/v1/category-sets/{version}/validate")
    assert schemas.Validation.model_validate(checked.json()).valid, checked.text
    published = await publish(admin, version)
    assert published.status_code == 200, published.text
    head = schemas.PublishedSet.model_validate(published.json())
    assert (head.status, head.published_by) == ("published", admin.id)
    tree = schemas.CategoryTree.model_validate((await worker.get("/v1/categories")).json())
    assert tree.version == version
    shown = {c.code: c for g in tree.groups for c in g.categories}
    assert shown["0306"].limits == {"finish": "24h"}
    assert shown["0605"].active is False
    assert "0606" not in shown


async def test_a_version_that_was_replaced_stays_readable_for_the_cases_under_it(
    admin: Person, worker: Person
) -> None:
    old = (await worker.get("/v1/categories")).json()
    assert (await publish(admin, await draft(admin))).status_code == 200
    earlier = await worker.get(f"/v1/categories?version={old['version']}")
    assert earlier.json() == old
    whole = await admin.get(f"/v1/category-sets/{old['version']}")
    assert schemas.CategorySet.model_validate(whole.json()).status == "retired"


async def test_every_change_of_a_version_is_in_its_audit_trail(
    admin: Person, seeded: FastAPI
) -> None:
    version = await draft(admin)
    await put(admin, version, "0607", **fields("其他保洁", "Other cleaning"))
    await admin.http.delete(f"/v1/category-sets/{version}/categories/0607")
    assert (await publish(admin, version)).status_code == 200
    rows = await seeded.state.db.writes.fetch(
        "SELECT seq, event, actor_id FROM case_event WHERE case_id = $1 ORDER BY seq",
        case_id_of(version),
    )
    assert [(r["seq"], r["event"].removeprefix("category_set.")) for r in rows] == [
        (1, "drafted"), (2, "category_put"), (3, "category_deleted"), (4, "published"),
    ]  # fmt: skip
    assert {r["actor_id"] for r in rows} == {admin.id}


async def test_a_draft_with_errors_is_not_published_and_says_where(
    admin: Person, worker: Person
) -> None:
    before = (await worker.get("/v1/categories")).headers["etag"]
    version = await draft(admin)
    await put(admin, version, "0607", name_zh="其他保洁", limits={"finish": "soon"})
    refused = await publish(admin, version)
    assert (refused.status_code, refused.json()["code"]) == (409, "category_set_invalid")
    assert {(e["pointer"], e["code"]) for e in refused.json()["errors"]} == {
        ("/categories/0607/name_en", "no_english_name"),
        ("/categories/0607/level", "no_level"),
        ("/categories/0607/clauses", "no_clause"),
        ("/categories/0607/limits/finish", "bad_duration"),
    }
    checked = (await admin.post(f"/v1/category-sets/{version}/validate")).json()
    assert checked["valid"] is False
    assert {f["code"] for f in checked["findings"]} >= {"bad_duration", "no_level"}
    assert (await worker.get("/v1/categories")).headers["etag"] == before


async def test_a_retired_code_never_gets_another_meaning(admin: Person) -> None:
    version = await draft(admin)
    await put(admin, version, "1006", **fields("流动摊贩检查", "Hawker check"))
    assert (await publish(admin, version)).status_code == 200
    version = await draft(admin)
    await admin.http.delete(f"/v1/category-sets/{version}/categories/1006")
    published = await publish(admin, version)
    assert [f["code"] for f in published.json()["findings"]] == ["dropped"]
    version = await draft(admin)
    await put(admin, version, "1006", **fields("夜间施工", "Night work"))
    refused = await publish(admin, version)
    assert refused.status_code == 409
    assert [e["code"] for e in refused.json()["errors"]] == ["code_reused"]
    await put(admin, version, "1006", **fields("流动摊贩检查", "Hawker check"))
    assert (await publish(admin, version)).status_code == 200


async def test_a_changed_level_is_a_warning_that_goes_with_the_publication(admin: Person) -> None:
    version = await draft(admin)
    await put(admin, version, "0704", **fields("病死畜禽", "Dead livestock", 3))
    answer = await publish(admin, version)
    assert [(f["code"], f["category"]) for f in answer.json()["findings"]] == [
        ("level_changed", "0704")
    ]


async def test_a_published_version_never_changes(admin: Person, worker: Person) -> None:
    version = (await worker.get("/v1/categories")).json()["version"]
    for answer in (
        await put(admin, version, "0601", **fields()),
        await admin.http.delete(f"/v1/category-sets/{version}/categories/0601"),
        await publish(admin, version),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "category_set_not_draft")


async def test_a_whole_tree_can_be_submitted_and_a_code_in_it_twice_is_refused(
    admin: Person,
) -> None:
    group = {"code": "06", "name_zh": "环境卫生", "name_en": "Cleanliness"}
    one = {"code": "0601", **fields("暴露垃圾", "Exposed rubbish")}
    version = await draft(admin, categories=[group, one])
    whole = (await admin.get(f"/v1/category-sets/{version}")).json()
    assert [c["code"] for c in whole["categories"]] == ["06", "0601"]
    twice = await admin.post("/v1/category-sets", json={"categories": [group, one, one]})
    assert (twice.status_code, twice.json()["code"]) == (422, "duplicate_category")


async def test_a_draft_may_copy_any_version(admin: Person) -> None:
    version = await draft(admin, copy_of=1)
    rows = (await admin.get(f"/v1/category-sets/{version}")).json()["categories"]
    assert rows == (await admin.get("/v1/category-sets/1")).json()["categories"]
    missing = await admin.post("/v1/category-sets", json={"copy_of": 999_999})
    assert missing.status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"level": 5}, "/level"),
        ({"level": 0}, "/level"),
        ({"colour": "red"}, "/colour"),
        ({"name_zh": "字" * 51}, "/name_zh"),
        ({"name_zh": "a\x00b"}, "/name_zh"),
        ({"evidence": "video"}, "/evidence"),
        ({"clauses": ["23"]}, "/clauses/0"),
        ({"limits": {str(n): "1h" for n in range(11)}}, "/limits"),
        ({"limits": {"finish": "\u0000"}}, "/limits/finish"),
        ({"limits": {"finish": 4}}, "/limits/finish"),
    ],
)
async def test_what_cannot_be_stored_never_reaches_a_draft(
    admin: Person, body: dict[str, Any], pointer: str
) -> None:
    answer = await put(admin, 1, "0601", **body)
    assert answer.status_code == 422, answer.text
    assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("code", ["1", "123", "12345", "ab", "１２", "01 "])
async def test_a_code_has_two_or_four_digits(admin: Person, code: str) -> None:
    assert (await put(admin, 1, code, **fields())).status_code == 422


async def test_versions_are_listed_newest_first_in_pages(admin: Person) -> None:
    seen: list[int] = []
    cursor = None
    while True:
        params = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        answer = await admin.get("/v1/category-sets", params=params)
        page = schemas.CategorySetPage.model_validate(answer.json())
        seen += [row.version for row in page.items]
        assert len(page.items) <= 2
        if (cursor := page.next) is None:
            break
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] == 1
    bad = await admin.get("/v1/category-sets", params={"cursor": "x"})
    assert (bad.status_code, bad.json()["code"]) == (400, "bad_cursor")


async def test_a_replayed_draft_is_one_draft_and_another_body_is_refused(admin: Person) -> None:
    key = {"idempotency-key": "draft-1"}
    first = await admin.post("/v1/category-sets", json={"note": "一"}, headers=key)
    again = await admin.post("/v1/category-sets", json={"note": "一"}, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    other = await admin.post("/v1/category-sets", json={"note": "二"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_drafts_made_at_the_same_time_get_versions_of_their_own(admin: Person) -> None:
    versions = await asyncio.gather(*(draft(admin) for _ in range(5)))
    assert len(set(versions)) == 5


async def test_another_process_sees_a_publication_by_its_epoch(
    admin: Person, seeded: FastAPI
) -> None:
    elsewhere = CategoryCache(seeded.state.db)
    assert elsewhere.peek().version == 0
    before = await elsewhere.current()
    version = await draft(admin)
    assert (await publish(admin, version)).status_code == 200
    assert elsewhere.peek() is before
    after = await elsewhere.current()
    assert (after.version, after.epoch) == (version, before.epoch + 1)
    assert elsewhere.peek() is after
    assert await elsewhere.version(before.version) is not None
    assert await elsewhere.version(999_999) is None
    assert await elsewhere.version(await draft(admin)) is None


async def test_the_rules_for_reporting_know_unknown_from_retired(
    admin: Person, seeded: FastAPI
) -> None:
    version = await draft(admin)
    await put(admin, version, "0904", **fields("违规张贴小广告", "Illegal posters"), active=False)
    assert (await publish(admin, version)).status_code == 200
    snapshot = await seeded.state.categories.current()
    assert snapshot.require("0601").group == "06"
    for unknown in ("9999", "06", ""):
        with pytest.raises(UnknownCategory):
            snapshot.require(unknown)
    with pytest.raises(RetiredCategory) as caught:
        snapshot.require("0904")
    assert caught.value.status == 422
    assert "违规张贴小广告" in caught.value.text("zh")
