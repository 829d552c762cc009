"""The plain operations."""

from __future__ import annotations

import httpx


async def test_a_service_with_the_right_schema_is_ready(client: httpx.AsyncClient) -> None:
    answer = await client.get("/readyz")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"status": "ok"}


async def test_an_unknown_path_is_a_problem_in_the_language_asked_for(
    client: httpx.AsyncClient,
) -> None:
    chinese = await client.get("/nothing-here")
    english = await client.get("/nothing-here", headers={"accept-language": "en;q=0.9, zh;q=0.1"})
    assert chinese.status_code == english.status_code == 404
    assert chinese.headers["content-type"] == "application/problem+json"
    assert chinese.json()["code"] == "not_found"
    assert "没有找到" in chinese.json()["detail"]
    assert "no such thing" in english.json()["detail"]
