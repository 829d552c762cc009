"""Administering people in tests: the places, and what is done over HTTP most often."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import psycopg

from service.kit.ids import uuid7
from tests.people import Person

COUNTY, HERE, THERE = "511723", "511723100", "511723101"
VILLAGE, OTHER_VILLAGE = "511723100200", "511723101201"
DIVISIONS = [
    (COUNTY, "county", "开江县"),
    (HERE, "township", "新宁镇"),
    (THERE, "township", "普安镇"),
    (VILLAGE, "village", "沙坝村"),
    (OTHER_VILLAGE, "village", "罗家坡村"),
]
UNIT, TOWN_UNIT = "511723-t-housing", "511723100-t-station"


def prepare(database_url: str) -> None:
    """The places and units that the tests of administering name."""
    with psycopg.connect(database_url) as connection:
        for division in DIVISIONS:
            connection.execute(
                "INSERT INTO division (code, level, name, valid_from, synthetic, source)"
                " VALUES (%s, %s, %s, '2020-01-01', false, 'test') ON CONFLICT DO NOTHING",
                division,
            )
        for code, tier, area in ((UNIT, 4, COUNTY), (TOWN_UNIT, 3, HERE)):
            connection.execute(
                "INSERT INTO unit (code, name_zh, name_en, tier, area_code, active)"
                " VALUES (%s, '试验局', 'test', %s, %s, true)",
                (code, tier, area),
            )


def login() -> str:
    return f"a{uuid7().hex}"


async def new(by: Person, area: str = HERE, **more: Any) -> dict[str, Any]:
    """An account made by `by`."""
    answer = await by.post("/v1/accounts", {"login": login(), "name": "王芳", "area": area, **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def give(
    by: Person, account: str | UUID, role: str, area: str, **more: Any
) -> httpx.Response:
    body = {"account_id": str(account), "role": role, "area": area, **more}
    return await by.post("/v1/assignments", body)


async def given(by: Person, account: str, role: str, area: str, **more: Any) -> dict[str, Any]:
    answer = await give(by, account, role, area, **more)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def patch(by: Person, path: str, body: Any, **more: Any) -> httpx.Response:
    return await by.http.patch(path, json=body, **more)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def unit_body(area: str) -> dict[str, str]:
    return {"code": f"u{uuid7().hex}", "name_zh": "试验站", "name_en": "Station", "area": area}
