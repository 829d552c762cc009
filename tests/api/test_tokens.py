"""Logging in, renewing, being locked out: over HTTP, as an app does it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from service.auth import credentials, schemas
from service.kit.ids import uuid7
from tests.logins import (
    PASSWORD,
    TOKEN,
    CountingPasswords,
    Login,
    events,
    make_login,
    password_hash,
    sql,
)

MakeLogin = Callable[..., Login]


@pytest.fixture(scope="module", autouse=True)
def hashed() -> str:
    """Hash once, before any event loop runs."""
    return password_hash()


@pytest.fixture
def make(database_url: str, client: httpx.AsyncClient) -> MakeLogin:
    return lambda **columns: make_login(database_url, client, **columns)


@pytest.fixture
def passwords(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingPasswords]:
    """Fast password checks, counted."""
    fast = CountingPasswords()
    monkeypatch.setattr(app.state.logins, "passwords", fast)
    return fast


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def test_a_password_opens_the_account_and_is_really_hashed(
    make: MakeLogin, client: httpx.AsyncClient
) -> None:
    login = make()
    answer = await login.enter()
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    tokens = schemas.TokenAnswer.model_validate(answer.json(), strict=True)
    me = await client.get("/v1/me", headers=bearer(tokens.access_token))
    assert me.status_code == 200
    assert schemas.Me.model_validate(me.json()).id == login.id
    assert (await login.enter(PASSWORD + "x")).status_code == 400


async def test_a_login_is_typed_in_any_case(make: MakeLogin, passwords: CountingPasswords) -> None:
    login = make()
    assert (await login.enter(username=login.login.upper())).status_code == 200


REFUSED = {
    "wrong password": ({"username": "{login}", "password": "no"}, 400, "invalid_grant"),
    "unknown login": ({"username": "nobody-at-all", "password": "no"}, 400, "invalid_grant"),
    "no password": ({"username": "{login}"}, 400, "invalid_request"),
    "empty password": ({"username": "{login}", "password": ""}, 400, "invalid_request"),
    "NUL in the login": ({"username": "a\0b", "password": "no"}, 400, "invalid_request"),
    "too long": ({"username": "a" * 300, "password": "no"}, 400, "invalid_request"),
    "two of one": (
        {"username": ["{login}", "other"], "password": "no"}, 400, "invalid_request",
    ),
    "unknown grant": ({"grant_type": "magic"}, 400, "unsupported_grant_type"),
    "no grant": ({"grant_type": ""}, 400, "invalid_request"),
    "refresh without token": ({"grant_type": "refresh_token"}, 400, "invalid_request"),
    "made-up refresh token": (
        {"grant_type": "refresh_token", "refresh_token": "gwr_x"}, 400, "invalid_grant",
    ),
    "unknown client": (
        {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"},
        401, "invalid_client",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
async def test_a_token_request_is_refused_as_the_rfc_says(
    case: str, make: MakeLogin, client: httpx.AsyncClient, passwords: CountingPasswords
) -> None:
    given, status, code = REFUSED[case]
    login = make().login
    form = {
        name: [v.format(login=login) for v in value] if isinstance(value, list)
        else value.format(login=login)
        for name, value in {"grant_type": "password", **given}.items()
    }  # fmt: skip
    answer = await client.post(TOKEN, data=form)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["code"], answer.json()["error"]) == (code, code)


async def test_a_token_request_must_be_a_form(client: httpx.AsyncClient) -> None:
    assert (await client.post(TOKEN, json={"grant_type": "password"})).status_code == 415
    wrong = await client.post(
        TOKEN,
        content=b"grant_type=%ff",
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid_request")


async def test_a_wrong_password_and_an_unknown_login_look_the_same(
    make: MakeLogin, client: httpx.AsyncClient, passwords: CountingPasswords
) -> None:
    known = (await make().enter("wrong")).json()
    unknown = (await Login(uuid7(), "no-such-login", client).enter("wrong")).json()
    assert {**known, "instance": None} == {**unknown, "instance": None}
    assert passwords.checks == 2


async def test_refreshing_rotates_and_a_used_token_ends_the_login(
    make: MakeLogin, passwords: CountingPasswords, database_url: str
) -> None:
    login = make()
    first = (await login.tokens())["refresh_token"]
    second = (await login.refresh(first)).json()["refresh_token"]
    third = (await login.refresh(second)).json()["refresh_token"]
    assert len({first, second, third}) == 3
    stolen = await login.refresh(first)
    assert (stolen.status_code, stolen.json()["code"]) == (400, "invalid_grant")
    assert (await login.refresh(third)).status_code == 400
    assert events(database_url, login.id) == ["account.logged_in", "account.session_ended"]


async def test_a_lost_answer_may_be_asked_for_again(
    make: MakeLogin, passwords: CountingPasswords
) -> None:
    login = make()
    first = (await login.tokens(device_id="phone"))["refresh_token"]
    lost = (await login.refresh(first, device_id="phone")).json()["refresh_token"]
    again = await login.refresh(first, device_id="phone")
    assert again.status_code == 200
    following = await login.refresh(again.json()["refresh_token"], device_id="phone")
    assert following.status_code == 200
    # Whoever holds the other answer is not the client that went on: the login ends.
    assert (await login.refresh(lost, device_id="phone")).status_code == 400
    newest = following.json()["refresh_token"]
    assert (await login.refresh(newest, device_id="phone")).status_code == 400


async def test_a_lost_answer_is_not_asked_for_after_half_a_minute(
    make: MakeLogin, passwords: CountingPasswords, database_url: str
) -> None:
    login = make()
    first = (await login.tokens())["refresh_token"]
    second = (await login.refresh(first)).json()["refresh_token"]
    sql(
        database_url,
        "UPDATE refresh_token SET used_at = used_at - interval '31 s' WHERE token_hash = %s",
        credentials.digest(first),
    )
    assert (await login.refresh(first)).status_code == 400
    assert (await login.refresh(second)).status_code == 400


@pytest.mark.parametrize("other", [{"device_id": "thief"}, {}])
async def test_a_bound_token_from_another_device_ends_the_login(
    other: dict[str, str], make: MakeLogin, passwords: CountingPasswords
) -> None:
    login = make()
    token = (await login.tokens(device_id="phone"))["refresh_token"]
    assert (await login.refresh(token, **other)).status_code == 400
    assert (await login.refresh(token, device_id="phone")).status_code == 400


async def test_an_expired_refresh_token_is_refused(
    make: MakeLogin, passwords: CountingPasswords, database_url: str
) -> None:
    login = make()
    token = (await login.tokens())["refresh_token"]
    sql(
        database_url,
        "UPDATE refresh_token SET expires_at = now() WHERE token_hash = %s",
        credentials.digest(token),
    )
    assert (await login.refresh(token)).status_code == 400


async def test_the_same_token_presented_in_parallel_leaves_one_line_of_succession(
    make: MakeLogin, passwords: CountingPasswords
) -> None:
    login = make()
    token = (await login.tokens())["refresh_token"]
    answers = await asyncio.gather(*(login.refresh(token) for _ in range(6)))
    assert [a.status_code for a in answers] == [200] * 6
    following = [await login.refresh(a.json()["refresh_token"]) for a in answers]
    assert [a.status_code for a in following] == [200] + [400] * 5


async def test_parallel_guesses_cannot_outrun_the_lock(
    make: MakeLogin, passwords: CountingPasswords, database_url: str
) -> None:
    login = make()
    answers = await asyncio.gather(*(login.enter(f"guess {i}") for i in range(50)))
    assert passwords.checks == 5
    assert sorted(a.status_code for a in answers) == [400] * 5 + [429] * 45
    refused = next(a for a in answers if a.status_code == 429)
    assert refused.json()["code"] == "locked_out"
    assert 290 <= int(refused.headers["retry-after"]) <= 301
    assert (await login.enter()).status_code == 429
    assert events(database_url, login.id) == ["account.locked"]

    sql(database_url, "UPDATE account SET locked_until = now() WHERE id = %s", login.id)
    assert (await login.enter("wrong")).status_code == 400
    assert (await login.enter()).status_code == 200


async def test_a_login_that_does_not_exist_locks_as_one_that_does(
    client: httpx.AsyncClient, passwords: CountingPasswords
) -> None:
    ghost = Login(uuid7(), f"ghost{uuid4().hex[:8]}", client)
    answers = [await ghost.enter("guess") for _ in range(6)]
    assert [a.status_code for a in answers] == [400] * 5 + [429]
    assert "retry-after" in answers[-1].headers


async def test_success_forgets_the_guesses(make: MakeLogin, passwords: CountingPasswords) -> None:
    login = make()
    for _ in range(3):
        statuses = [(await login.enter("wrong")).status_code for _ in range(4)]
        assert statuses == [400] * 4
        assert (await login.enter()).status_code == 200


async def test_a_full_queue_of_checks_refuses_without_counting_a_guess(
    make: MakeLogin, app: FastAPI, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    login = make()
    monkeypatch.setattr(app.state.logins, "passwords", credentials.Passwords(max_waiting=0))
    assert (await login.enter()).status_code == 503
    rows = sql(database_url, "SELECT failed_logins FROM account WHERE id = %s", login.id)
    assert rows == [(0,)]


async def test_a_disabled_account_is_out_at_once(
    make: MakeLogin, passwords: CountingPasswords, client: httpx.AsyncClient, database_url: str
) -> None:
    login = make()
    tokens = await login.tokens()
    sql(database_url, "UPDATE account SET status = 'disabled' WHERE id = %s", login.id)
    me = await client.get("/v1/me", headers=bearer(tokens["access_token"]))
    assert me.status_code == 401
    assert (await login.refresh(tokens["refresh_token"])).status_code == 400
    assert (await login.enter()).json()["code"] == "invalid_grant"
