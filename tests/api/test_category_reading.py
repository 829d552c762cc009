"""Reading the published categories over HTTP."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from service.incidents.categories import schemas
from service.incidents.categories.seed import seed_categories
from tests.people import People, Person


@pytest.fixture(scope="module")
async def seeded(app: FastAPI) -> FastAPI:
    async with app.state.db.session(None) as session:
        await seed_categories(session)
        await session.commit()
    return app


@pytest.fixture(scope="module")
def worker(seeded: FastAPI, people: People) -> Person:
    return people.make(("grid_worker", "511723100200001"))


async def test_everybody_who_is_logged_in_reads_the_whole_tree_in_both_languages(
    worker: Person, client: httpx.AsyncClient
) -> None:
    answer = await worker.get("/v1/categories")
    assert answer.status_code == 200, answer.text
    tree = schemas.CategoryTree.model_validate(answer.json())
    assert [g.code for g in tree.groups] == [f"{n:02}" for n in range(1, 13)]
    assert answer.headers["link"].startswith("</v1/plan/clauses/23.2>")
    rubbish = next(c for g in tree.groups for c in g.categories if c.code == "0601")
    assert (rubbish.name_zh, rubbish.name_en, rubbish.level) == ("暴露垃圾", "Exposed rubbish", 3)
    assert rubbish.limits == {"finish": "4wh"}
    assert (await client.get("/v1/categories")).status_code == 401


async def test_the_tree_is_not_sent_again_to_who_has_it(worker: Person) -> None:
    first = await worker.get("/v1/categories")
    etag = first.headers["etag"]
    again = await worker.get("/v1/categories", headers={"if-none-match": f'"old", W/{etag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    other = await worker.get("/v1/categories", headers={"if-none-match": '"categories-999"'})
    assert other.status_code == 200


async def test_one_category_is_read_by_its_code(worker: Person) -> None:
    answer = await worker.get("/v1/categories/0901")
    found = schemas.PublishedCategory.model_validate(answer.json())
    assert found.limits == {"stop": "4wh", "fine": "7wd", "demolish": "20wd"}
    assert (found.group, found.self_handle, found.clauses) == ("09", True, ["23.2"])
    assert answer.headers["etag"] == (await worker.get("/v1/categories")).headers["etag"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/categories/9999", 404, "not_found"),
        ("/v1/categories/01", 422, "invalid_input"),
        ("/v1/categories/０６０１", 422, "invalid_input"),
        ("/v1/categories?version=777", 404, "not_found"),
        ("/v1/categories?version=0", 422, "invalid_input"),
        ("/v1/categories?version=99999999999999999999", 422, "invalid_input"),
    ],
)
async def test_what_is_not_in_the_tree_is_a_clear_answer(
    worker: Person, path: str, status: int, code: str
) -> None:
    answer = await worker.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/category-sets"),
        ("GET", "/v1/category-sets/1"),
        ("POST", "/v1/category-sets"),
        ("PUT", "/v1/category-sets/1/categories/0601"),
        ("DELETE", "/v1/category-sets/1/categories/0601"),
        ("POST", "/v1/category-sets/1/validate"),
        ("POST", "/v1/category-sets/1/publish"),
    ],
)
async def test_only_who_manages_categories_touches_versions(
    worker: Person, method: str, path: str
) -> None:
    body = {} if method in ("POST", "PUT") else None
    answer = await worker.http.request(method, path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_loading_the_default_tree_again_changes_nothing(
    seeded: FastAPI, worker: Person
) -> None:
    before = (await worker.get("/v1/categories")).headers["etag"]
    epoch = (await seeded.state.categories.current()).epoch
    async with seeded.state.db.session(None) as session:
        assert await seed_categories(session) is False
        await session.commit()
    assert (await worker.get("/v1/categories")).headers["etag"] == before
    assert (await seeded.state.categories.current()).epoch == epoch
