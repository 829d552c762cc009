"""Bad input to incidents: each a clear problem, and nothing changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.kit.ids import uuid7
from tests.cases import Place


def at(**changes: Any) -> dict[str, Any]:
    return {"location": changes}


YESTERDAY = datetime.now(UTC) - timedelta(days=1)
BAD = {
    "no crs": ({"location": {"lon": 107.8, "lat": 31.0}}, 422, "crs_undeclared", "/location"),
    "an unknown crs": (
        {"location": {"lon": 107.8, "lat": 31.0, "crs": "utm"}}, 422, "enum", "/location/crs"),
    "in Beijing": (
        {"location": {"lon": 116.4, "lat": 39.9, "crs": "wgs84"}}, 422, "outside_county",
        "/location"),
    "abroad": (
        {"location": {"lon": 2.35, "lat": 48.85, "crs": "gcj02"}}, 422, "bad_position",
        "/location"),
    "latitude and longitude swapped": (
        {"location": {"lon": 31.0, "lat": 107.8, "crs": "wgs84"}}, 422, "less_than_equal",
        "/location/lat"),
    "a fix 200 km off": (
        {"location": {"lon": 107.8, "lat": 31.0, "crs": "wgs84", "accuracy_m": 200_000}}, 422,
        "inaccurate_position", "/location/accuracy_m"),
    "a negative accuracy": (
        {"location": {"lon": 107.8, "lat": 31.0, "crs": "wgs84", "accuracy_m": -1}}, 422,
        "greater_than_equal", "/location/accuracy_m"),
    "the future": (
        {"occurred_at": (datetime.now(UTC) + timedelta(days=2)).isoformat()}, 422,
        "bad_occurred_at", "/occurred_at"),
    "three years ago": (
        {"occurred_at": (datetime.now(UTC) - timedelta(days=1100)).isoformat()}, 422,
        "bad_occurred_at", "/occurred_at"),
    "a time without offset": (
        {"occurred_at": "2026-11-01T08:00:00"}, 422, "timezone_aware", "/occurred_at"),
    "an unknown category": ({"category": "9999"}, 422, "unknown_category", "/category"),
    "a group as category": ({"category": "05"}, 422, "string_pattern_mismatch", "/category"),
    "full-width digits": ({"category": "０５０２"}, 422, "string_pattern_mismatch", "/category"),
    "no description": ({"description": "  "}, 422, "string_too_short", "/description"),
    "a long description": ({"description": "长" * 10_001}, 422, "string_too_long", "/description"),
    "NUL in the text": ({"description": "a\0b"}, 422, "string_unicode", "/description"),
    "an unknown member": ({"sate": "closed"}, 422, "extra_forbidden", "/sate"),
    "a foreign attachment": (
        {"attachments": ["018f0000-0000-7000-8000-000000000000"]}, 422, "unknown_attachment",
        "/attachments"),
    "an id that is none": ({"id": "17"}, 422, "uuid_parsing", "/id"),
    "a phone of letters": ({"contact": {"phone": "abc"}}, 422, "string_pattern_mismatch",
                           "/contact/phone"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "status", "code", "pointer"), BAD.values(), ids=BAD)
async def test_a_bad_report_is_a_clear_problem(
    place: Place, changes: dict[str, Any], status: int, code: str, pointer: str
) -> None:
    mine = str(uuid7())
    body = place.body(**{"id": mine, **changes})
    answer = await place.worker.post("/v1/incidents", body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert code in (problem["code"], problem["errors"][0]["code"])
    assert problem["errors"][0]["pointer"].startswith(pointer)
    assert any("\u4e00" <= c <= "\u9fff" for c in problem["errors"][0]["detail"])
    assert (await place.worker.get(f"/v1/incidents/{mine}")).status_code == 404


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b'{"category": "0502",', "application/json", 400, "malformed_body"),
        (b"\xff\xfe{}", "application/json", 400, "malformed_body"),
        (b"", "application/json", 400, "malformed_body"),
        (b"[]", "application/json", 422, "invalid_input"),
        (b"null", "application/json", 422, "invalid_input"),
        (b'{"location": {"lon": NaN, "lat": 31, "crs": "wgs84"}}', "application/json", 422,
         "invalid_input"),
        (b'{"location": {"lon": 1e999, "lat": 31, "crs": "wgs84"}}', "application/json", 422,
         "invalid_input"),
        (b'{"description": "\\ud800"}', "application/json", 400, "malformed_body"),
        (b"category=0502", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b"{}", "", 415, "unsupported_media_type"),
    ],
)  # fmt: skip
async def test_a_body_that_is_not_what_it_should_be(
    place: Place, content: bytes, kind: str, status: int, code: str
) -> None:
    headers = {"content-type": kind} if kind else {}
    answer = await place.worker.http.post("/v1/incidents", content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_a_description_of_ten_megabytes_is_not_even_read(place: Place) -> None:
    answer = await place.worker.post("/v1/incidents", place.body(description="x" * 10_000_000))
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")

    async def endless() -> Any:
        for _ in range(200):
            yield b"x" * 10_000

    streamed = await place.worker.http.post(
        "/v1/incidents", content=endless(), headers={"content-type": "application/json"}
    )
    assert streamed.status_code == 413


async def test_without_or_with_a_wrong_token_nobody_gets_in(place: Place) -> None:
    for header in ({}, {"authorization": "Bearer x"}, {"authorization": "Basic eDp4"}):
        answer = await place.worker.http.post(
            "/v1/incidents", json=place.body(), headers={"authorization": "", **header}
        )
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("action", "body", "status"),
    [
        ("assign", {}, 422),
        ("assign", {"unit": "511723-TESTA", "account": "worker"}, 422),
        ("assign", {"unit": "no-such-unit"}, 422),
        ("assign", {"account": "nobody"}, 422),
        ("reject", {}, 422),
        ("reject", {"note": " "}, 422),
        ("accept", {"note": "x" * 2001}, 422),
        ("accept", {"state": "closed"}, 422),
        ("fly", {}, 404),
    ],
)
async def test_a_bad_action_changes_nothing(
    place: Place, action: str, body: dict[str, Any], status: int
) -> None:
    case = await place.report()
    if action == "assign":
        await place.act(place.village, case, "accept")
    before = (await place.village.get(f"/v1/incidents/{case['id']}")).json()
    answer = await place.village.post(f"/v1/incidents/{case['id']}/{action}", body)
    assert answer.status_code == status, answer.text
    assert (await place.village.get(f"/v1/incidents/{case['id']}")).json() == before


@pytest.mark.parametrize("value", ["3", '"x"', '""', "W/3", '"-1"'])
async def test_an_if_match_that_is_no_etag_is_refused(place: Place, value: str) -> None:
    case = await place.report()
    answer = await place.village.post(
        f"/v1/incidents/{case['id']}/accept", {}, headers={"if-match": value}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_if_match")


@pytest.mark.parametrize("key", ["", "x" * 201, "a\tb"])
async def test_a_bad_idempotency_key_is_refused(place: Place, key: str) -> None:
    answer = await place.worker.post(
        "/v1/incidents", place.body(), headers={"idempotency-key": key}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_idempotency_key")


async def test_ids_that_are_none_are_told_so(place: Place) -> None:
    for path in ("/v1/incidents/17", "/v1/incidents/17/timeline"):
        assert (await place.village.get(path)).status_code == 422
    assert (await place.village.post("/v1/incidents/17/accept", {})).status_code == 422
    missing = f"/v1/incidents/{uuid7()}"
    assert (await place.village.get(missing)).status_code == 404
    assert (await place.village.post(f"{missing}/accept", {})).status_code == 404
