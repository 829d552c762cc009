"""The plan over HTTP: its clauses with what fulfils them, and how much of it is covered."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import TypeAdapter

from service.incidents.workflow import INCIDENT
from service.plan import schemas
from service.plan.coverage import coverage, figure
from service.plan.fulfilment import LIVES, Operation, operations_of
from service.plan.registry import load_registry
from tests.people import People, Person

COUNTY = "511723"
DETAIL: TypeAdapter[Any] = TypeAdapter(schemas.ClauseDetail)


@pytest.fixture(scope="module")
def worker(people: People) -> Person:
    return people.make(("grid_worker", "511723100200001"))


@pytest.fixture(scope="module")
def nobody(people: People) -> Person:
    """An account without any assignment."""
    return people.make()


async def page(person: Person, query: str = "") -> schemas.ClausePage:
    answer = await person.get(f"/v1/plan/clauses{query}")
    assert answer.status_code == 200, answer.text
    return schemas.ClausePage.model_validate(answer.json())


async def detail(person: Person, clause: str) -> Any:
    answer = await person.get(f"/v1/plan/clauses/{clause}")
    assert answer.status_code == 200, answer.text
    return DETAIL.validate_python(answer.json())


async def test_everybody_who_is_logged_in_reads_all_129_measures_on_one_page(
    nobody: Person, client: httpx.AsyncClient
) -> None:
    found = await page(nobody)
    assert len(found.items) == 129
    assert found.next is None
    assert [len(found.sections), len(found.tasks)] == [24, 46]
    assert [m.clause for m in found.items] == list(load_registry().measures)
    for path in ("clauses", "clauses/23.2", "coverage", "imports"):
        assert (await client.get(f"/v1/plan/{path}")).status_code == 401


async def test_a_measure_says_who_leads_who_cooperates_and_until_when(worker: Person) -> None:
    found = {m.clause: m for m in (await page(worker)).items}
    measure, known = found["14.2"], load_registry().clause("14.2")
    assert measure.leads == list(known.leads)
    assert measure.cooperating == list(known.cooperating)
    assert (measure.completion.kind, measure.completion.year) == (
        known.deadline.kind,
        known.deadline.year,
    )
    assert measure.links.task == "/v1/plan/clauses/14"
    assert found["23.2"].status == "built"
    assert {"incidents", "tiered_response"} <= {m.slug for m in found["23.2"].mechanisms}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?section=11", ["23.1", "23.2", "24.1", "24.2"]),
        ("?task=35", ["35.1", "35.2", "35.3", "35.4"]),
        ("?mechanism=grid_organisation", ["3.1"]),
        ("?mechanism=no_such_thing", []),
        ("?status=built&section=11", ["23.2", "24.1", "24.2"]),
        ("?task=31&status=planned", ["31.2", "31.3"]),
        ("?task=26&status=none", ["26.1", "26.2", "26.3"]),
        ("?q=TIANDITU", ["31.1"]),
        ("?q=适老", ["32.1"]),
        ("?task=23&section=12", []),
    ],
)
async def test_the_list_is_narrowed_by_what_is_asked(
    worker: Person, query: str, expected: list[str]
) -> None:
    assert [m.clause for m in (await page(worker, query)).items] == expected


async def test_the_list_is_narrowed_to_the_measures_of_a_unit(worker: Person) -> None:
    found = (await page(worker, "?unit=民政局")).items
    named = [
        m.clause
        for m in load_registry().measures.values()
        if any("民政局" in unit for unit in (*m.leads, *m.cooperating))
    ]
    assert [m.clause for m in found] == named
    assert 0 < len(named) < 129


async def test_small_pages_add_up_to_the_whole_list(worker: Person) -> None:
    seen, query = [], "?limit=50"
    while True:
        found = await page(worker, query)
        assert {m.section for m in found.items} == {s.number for s in found.sections}
        assert {str(m.task) for m in found.items} == {t.clause for t in found.tasks}
        seen += [m.clause for m in found.items]
        if found.next is None:
            break
        query = f"?limit=50&cursor={found.next}"
    assert seen == list(load_registry().measures)


async def test_a_cursor_is_good_for_its_own_filters_only(worker: Person) -> None:
    cursor = (await page(worker, "?limit=1&section=11")).next
    assert (await worker.get(f"/v1/plan/clauses?section=11&cursor={cursor}")).status_code == 200
    answer = await worker.get(f"/v1/plan/clauses?section=12&cursor={cursor}")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")


@pytest.mark.parametrize(
    "query",
    ["?section=0", "?task=x", "?status=done", "?limit=0", "?limit=201", "?unit=", "?q=%00",
     f"?q={'长' * 201}", f"?mechanism={'a' * 51}"],
)  # fmt: skip
async def test_a_bad_filter_is_told_and_not_ignored(worker: Person, query: str) -> None:
    answer = await worker.get(f"/v1/plan/clauses{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


@pytest.mark.parametrize("written", ["23.2", "２３．２", "２３.2", "%2023.2%20"])
async def test_a_measure_is_found_however_it_is_written(worker: Person, written: str) -> None:
    assert (await detail(worker, written)).clause == "23.2"


async def test_a_measure_leads_to_workflow_steps_and_operations_that_name_it(
    worker: Person,
) -> None:
    found = await detail(worker, "23.2")
    assert (found.outline.section.number, found.outline.task.clause) == (11, "23")
    [workflow] = found.workflows
    steps = {step.action: step for step in workflow.steps}
    assert (workflow.case_kind, len(steps)) == ("incident", len(INCIDENT.steps))
    assign = steps["assign"]
    assert (assign.zh, assign.en, assign.from_, assign.to, assign.named) == (
        "派遣", "assign", ["accepted", "returned"], "assigned", True,
    )  # fmt: skip
    assert steps["report"].from_ == []
    operations = {(o.method, o.path): o.operation_id for o in found.operations}
    assert operations["POST", "/v1/incidents"] == "report_incident"
    assert ("GET", "/v1/plan/coverage") not in operations
    assert found.indicators.status == "built"
    assert "on_time_closing" in {item["code"] for item in found.indicators.items}


async def test_a_measure_shows_how_slips_of_the_text_were_read(worker: Person) -> None:
    [correction] = (await detail(worker, "14.2")).corrections
    assert (correction.written, correction.read) == ("县卫键局", "县卫健局")
    assert (await detail(worker, "29.5")).notes[0].en


async def test_a_clause_that_nothing_serves_says_so(worker: Person) -> None:
    found = await detail(worker, "26.1")
    assert (found.status, found.workflows, found.operations) == ("none", [], [])
    assert (found.evidence.events, found.evidence.last) == (0, None)


async def test_a_task_shows_its_measures_and_the_operations_of_all_of_them(
    worker: Person,
) -> None:
    found = await detail(worker, "２３")
    assert (found.kind, found.clause, found.outline.section.number) == ("task", "23", 11)
    assert [m.clause for m in found.measures] == ["23.1", "23.2"]
    assert "report_incident" in {o.operation_id for o in found.operations}


@pytest.mark.parametrize("asked", ["13.8", "47", "0", "023", "23.2.1", "二十三", "23.", "%00", "-"])
async def test_a_clause_that_the_plan_does_not_have_is_not_found(
    worker: Person, asked: str
) -> None:
    answer = await worker.get(f"/v1/plan/clauses/{asked}", headers={"accept-language": "en"})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_clause")
    assert "23.2" in answer.json()["detail"]


async def test_the_link_of_any_answer_leads_to_a_clause(worker: Person) -> None:
    answer = await worker.get("/v1/me")
    targets = [part.split(">")[0].lstrip(" <") for part in answer.headers["link"].split(",")]
    assert targets
    for target in targets:
        assert (await worker.get(target)).status_code == 200


async def test_coverage_counts_what_has_a_counterpart_and_what_has_none(worker: Person) -> None:
    answer = await worker.get("/v1/plan/coverage")
    assert answer.status_code == 200, answer.text
    found = schemas.Coverage.model_validate(answer.json())
    registry = load_registry()
    served = {c for m in registry.mechanisms.values() for c in m.clauses}
    without = {row.clause for row in found.clauses_without_mechanism}
    assert without == registry.measures.keys() - served
    planned = {row.clause for row in found.clauses_planned}
    with_any = found.figures.clauses_with_any_mechanism
    with_built = found.figures.clauses_with_built_mechanism
    assert (with_any.numerator, with_any.denominator) == (129 - len(without), 129)
    assert with_built.numerator == with_any.numerator - len(planned)
    assert with_any.share == round(with_any.numerator / 129, 4)
    assert [m.slug for m in found.mechanisms_without_clause] == ["plan_import"]
    built = found.figures.mechanisms_built
    assert (built.numerator, built.denominator - built.numerator) == (
        found.mechanisms.built,
        found.mechanisms.planned,
    )


async def test_every_operation_and_step_names_a_clause_that_the_plan_has(
    worker: Person, app: FastAPI
) -> None:
    found = schemas.Coverage.model_validate((await worker.get("/v1/plan/coverage")).json())
    assert found.operations_without_clause == []
    assert found.unknown_clauses == []
    operations = operations_of(app.openapi())
    assert found.figures.operations_with_clause.denominator == len(operations) > 20
    steps = sum(len(life.workflow.steps) for life in LIVES)
    assert found.figures.steps_with_clause.numerator == steps > 17


def test_an_operation_without_a_clause_or_with_an_unknown_one_is_told() -> None:
    bare = Operation("GET", "/v1/bare", "bare", "Bare", ())
    wrong = Operation("GET", "/v1/wrong", "wrong", "Wrong", ("23.2", "13.8"))
    found = coverage(load_registry(), [bare, wrong], {"23.2"})
    assert found["operations_without_clause"] == [bare.shown]
    assert found["unknown_clauses"] == [{"where": "GET /v1/wrong", "clause": "13.8"}]
    assert found["figures"]["operations_with_clause"] == figure(1, 2)
    assert found["figures"]["clauses_with_evidence"]["numerator"] == 1


def test_there_is_no_share_of_nothing() -> None:
    assert figure(0, 0) == {"numerator": 0, "denominator": 0, "share": None}
