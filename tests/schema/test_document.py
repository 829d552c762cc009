"""The contract itself: complete, in two languages, and the same every time."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest

from service.openapi import routes_of
from tests.schema.contract import (
    Operation,
    document,
    operation,
    operations,
    resolve,
    validator_of,
)

OPERATIONS = operations()
WITH_BODY = [op for op in OPERATIONS if op.body()]
PUBLIC = {"issue_token", "revoke_token", "healthz", "readyz", "metrics"}
# They are posted, but change nothing; or each time counts, as each look at a contact does.
NOT_REPLAYED = {
    "locate_grids", "validate_category_set", "validate_duty_list", "validate_response_policy",
    "simulate_response_policy", "reveal_incident_contact", "reveal_resource_contact",
}  # fmt: skip
CHINESE, ENGLISH = re.compile(r"[\u4e00-\u9fff]"), re.compile(r"[A-Za-z]{2}")
PRINT = (
    "import hashlib, json;"
    "from service.config import Settings;"
    "from service.main import create_app;"
    "text = json.dumps(create_app(Settings()).openapi());"
    "print(hashlib.sha256(text.encode()).hexdigest())"
)

every_operation = pytest.mark.parametrize("op", OPERATIONS, ids=lambda op: op.id)


def bilingual(text: str) -> bool:
    return bool(CHINESE.search(text) and ENGLISH.search(text))


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_the_document_is_the_same_in_every_process(hash_seed: str) -> None:
    made = subprocess.run(
        [sys.executable, "-c", PRINT],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    expected = hashlib.sha256(json.dumps(document()).encode()).hexdigest()
    assert made.stdout.strip() == expected


@every_operation
def test_an_operation_has_a_summary_and_a_tag_in_both_languages(op: Operation) -> None:
    assert bilingual(op.raw["summary"])
    assert len(op.raw["summary"]) <= 120
    told = {tag["name"]: tag["description"] for tag in document()["tags"]}
    assert op.raw["tags"]
    assert all(bilingual(told[name]) for name in op.raw["tags"])


@every_operation
def test_who_may_call_is_documented(op: Operation) -> None:
    assert op.secured == (op.id not in PUBLIC)
    if op.secured:
        assert op.raw["responses"]["401"]["headers"].keys() >= {"WWW-Authenticate"}


@every_operation
def test_whatever_creates_or_acts_takes_a_key_and_says_when_it_replays(op: Operation) -> None:
    names = {parameter["name"] for parameter in op.parameters("header")}
    acts = op.secured and op.method != "GET" and op.id not in NOT_REPLAYED
    assert ("Idempotency-Key" in names) == acts
    if acts:
        good = [r for status, r in op.raw["responses"].items() if status[0] == "2"]
        assert all("Idempotency-Replayed" in response["headers"] for response in good)
        assert "409" in op.raw["responses"]


@every_operation
def test_a_version_that_is_expected_can_be_stale(op: Operation) -> None:
    takes = "If-Match" in {parameter["name"] for parameter in op.parameters("header")}
    assert not takes or "412" in op.raw["responses"]


@every_operation
def test_failures_are_problem_details_with_the_headers_that_they_bring(op: Operation) -> None:
    for status, response in op.raw["responses"].items():
        assert "X-Request-Id" in response["headers"]
        if status[0] in "45":
            assert resolve(response["content"]["application/problem+json"]["schema"])["title"] == (
                "Problem"
            )
            assert "Content-Language" in response["headers"]
        if status in ("409", "429", "503"):
            assert "Retry-After" in response["headers"]


@pytest.mark.parametrize("op", WITH_BODY, ids=lambda op: op.id)
def test_a_request_body_has_examples_that_fit(op: Operation) -> None:
    body = op.body()
    assert body is not None
    validator = validator_of(body[1]["schema"], strict=True)
    assert op.examples()
    for example in op.examples():
        assert [error.message for error in validator.iter_errors(example)] == []


def test_examples_belong_to_operations() -> None:
    from service.examples import EXAMPLES

    assert set(EXAMPLES) == {op.id for op in WITH_BODY}


def test_schemas_are_named_for_what_they_are() -> None:
    framework = {"HTTPValidationError", "ValidationError"}
    names = set(document()["components"]["schemas"])
    assert not names & framework
    assert [name for name in names if "__" in name or "-" in name] == []


def test_shared_parts_are_used() -> None:
    text = str(document()["paths"])
    for kind in ("parameters", "headers"):
        unused = [n for n in document()["components"][kind] if f"/{kind}/{n}'" not in text]
        assert unused == []


def test_the_token_endpoint_of_the_document_is_there() -> None:
    flows: dict[str, Any] = document()["components"]["securitySchemes"]["oauth2"]["flows"]
    assert {flow["tokenUrl"] for flow in flows.values()} == {operation("issue_token").path}


def test_an_operation_without_a_name_of_its_own_is_refused() -> None:
    from fastapi import FastAPI

    app = FastAPI()

    @app.get("/nameless")
    async def nameless() -> None: ...

    with pytest.raises(ValueError, match="/nameless needs an operation_id"):
        routes_of(app)
