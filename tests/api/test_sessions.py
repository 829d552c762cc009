"""Logging out, devices, new passwords, systems: over HTTP, as an app does it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterator

import httpx
import pytest
from fastapi import FastAPI

from service.auth import credentials, schemas
from service.auth.login_store import purge_refresh_tokens
from service.kit import clock
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
from tests.people import People

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


@pytest.mark.parametrize("which", ["refresh_token", "access_token"])
async def test_logging_out_ends_the_login(
    which: str, make: MakeLogin, passwords: CountingPasswords, client: httpx.AsyncClient
) -> None:
    login = make()
    tokens, other = await login.tokens(), await login.tokens()
    for token in (tokens[which], tokens[which], "gwr_unknown"):
        answer = await client.post("/v1/auth/revoke", data={"token": token})
        assert (answer.status_code, answer.json()) == (200, {"revoked": True})
    assert (await login.refresh(tokens["refresh_token"])).status_code == 400
    assert (await login.refresh(other["refresh_token"])).status_code == 200


async def test_a_caller_sees_and_ends_the_own_logins(
    make: MakeLogin, passwords: CountingPasswords, client: httpx.AsyncClient
) -> None:
    login, stranger = make(), make()
    phone = await login.tokens(device_id="phone")
    desk = await login.tokens()
    refreshed = (await login.refresh(desk["refresh_token"])).json()
    mine = bearer(refreshed["access_token"])
    page = schemas.SessionPage.model_validate(
        (await client.get("/v1/me/sessions", headers=mine)).json()
    )
    assert [(s.device_id, s.current) for s in page.items] == [(None, True), ("phone", False)]
    assert page.items[0].logged_in_at <= page.items[0].last_used_at <= page.items[0].expires_at

    lost = f"/v1/me/sessions/{page.items[1].family}"
    theirs = bearer((await stranger.tokens())["access_token"])
    assert (await client.delete(lost, headers=theirs)).status_code == 404
    assert (await client.delete(lost, headers=mine)).status_code == 204
    assert (await client.delete(lost, headers=mine)).status_code == 404
    assert (await login.refresh(phone["refresh_token"], device_id="phone")).status_code == 400
    assert (await login.refresh(refreshed["refresh_token"])).status_code == 200


async def test_logins_come_in_pages(
    make: MakeLogin, passwords: CountingPasswords, client: httpx.AsyncClient
) -> None:
    login = make()
    mine = bearer([await login.tokens() for _ in range(5)][-1]["access_token"])
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/v1/me/sessions", params=params, headers=mine)).json()
        seen += [item["family"] for item in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)


async def test_changing_the_password_ends_every_other_login(
    make: MakeLogin, client: httpx.AsyncClient, database_url: str
) -> None:
    login = make()
    here, there = await login.tokens(), await login.tokens()
    mine = {**bearer(here["access_token"]), "idempotency-key": "change-1"}
    new = "a quite different phrase"
    wrong = await client.post(
        "/v1/me/password", json={"old_password": "wrong", "new_password": new}, headers=mine
    )
    assert (wrong.status_code, wrong.json()["code"]) == (422, "wrong_password")
    body = {"old_password": PASSWORD, "new_password": new}
    done = await client.post("/v1/me/password", json=body, headers=mine)
    assert done.status_code == 204, done.text
    replay = await client.post("/v1/me/password", json=body, headers=mine)
    assert replay.status_code == 204
    assert replay.headers["idempotency-replayed"] == "true"
    assert (await login.refresh(there["refresh_token"])).status_code == 400
    assert (await login.refresh(here["refresh_token"])).status_code == 200
    assert (await login.enter(PASSWORD)).status_code == 400
    assert (await login.enter(new)).status_code == 200
    assert "account.password_changed" in events(database_url, login.id)


@pytest.mark.parametrize("new", ["short", "qwertyuiop", "{login}", PASSWORD])
async def test_a_weak_new_password_is_refused_and_counts_as_no_guess(
    new: str, make: MakeLogin, people: People, passwords: CountingPasswords
) -> None:
    login = make()
    body = {"old_password": PASSWORD, "new_password": new.format(login=login.login)}
    async with people.acting_as(login.id) as http:
        answers = [await http.post("/v1/me/password", json=body) for _ in range(6)]
    assert {(a.status_code, a.json()["code"]) for a in answers} == {(422, "weak_password")}
    assert passwords.checks == 0


async def test_guessing_the_old_password_locks_too(
    make: MakeLogin, people: People, passwords: CountingPasswords
) -> None:
    login = make()
    async with people.acting_as(login.id) as http:
        body = {"old_password": "guess", "new_password": "a quite different phrase"}
        answers = await asyncio.gather(
            *(http.post("/v1/me/password", json=body) for _ in range(20))
        )
    assert sorted(a.status_code for a in answers) == [422] * 5 + [429] * 15


@pytest.fixture
def system(make: MakeLogin) -> tuple[Login, str]:
    """A system's account and its secret."""
    secret = credentials.new_token(credentials.CLIENT_PREFIX)
    return make(kind="system", password_hash=credentials.stored_secret(secret)), secret


def basic(login: str, secret: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{login}:{secret}".encode()).decode()}


async def test_a_system_gets_an_access_token_only(
    system: tuple[Login, str], client: httpx.AsyncClient
) -> None:
    account, secret = system
    form = {"grant_type": "client_credentials"}
    credentials_form = {"client_id": account.login, "client_secret": secret}
    for answer in (
        await client.post(TOKEN, data={**form, **credentials_form}),
        await client.post(TOKEN, data=form, headers=basic(account.login, secret)),
    ):
        assert answer.status_code == 200, answer.text
        assert answer.json()["refresh_token"] is None
        me = await client.get("/v1/me", headers=bearer(answer.json()["access_token"]))
        assert me.json()["login"] == account.login


async def test_a_system_and_a_person_do_not_swap_their_grants(
    system: tuple[Login, str], make: MakeLogin, client: httpx.AsyncClient
) -> None:
    account, secret = system
    assert (await account.enter(secret)).json()["code"] == "invalid_grant"
    person = make()
    form = {"grant_type": "client_credentials"}
    for headers in (basic(person.login, PASSWORD), basic(account.login, secret + "x")):
        answer = await client.post(TOKEN, data=form, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_client")
        assert answer.headers["www-authenticate"].startswith("Basic")
    both = await client.post(
        TOKEN, data={**form, "client_secret": secret}, headers=basic(account.login, secret)
    )
    assert (both.status_code, both.json()["code"]) == (400, "invalid_request")
    broken = await client.post(TOKEN, data=form, headers={"authorization": "Basic ###"})
    assert (broken.status_code, broken.json()["code"]) == (401, "invalid_client")


async def test_wrong_secrets_do_not_lock_a_system(
    system: tuple[Login, str], client: httpx.AsyncClient
) -> None:
    account, secret = system
    form = {"grant_type": "client_credentials"}
    for _ in range(8):
        await client.post(TOKEN, data=form, headers=basic(account.login, "wrong"))
    answer = await client.post(TOKEN, data=form, headers=basic(account.login, secret))
    assert answer.status_code == 200


async def test_expired_refresh_tokens_are_cleaned_up_and_no_others(
    make: MakeLogin, passwords: CountingPasswords, app: FastAPI, database_url: str
) -> None:
    login = make()
    old, live = await login.tokens(), await login.tokens()
    sql(
        database_url,
        "UPDATE refresh_token SET expires_at = now() - interval '1 s' WHERE token_hash = %s",
        credentials.digest(old["refresh_token"]),
    )
    async with app.state.db.session(None) as session:
        removed = await purge_refresh_tokens(session, clock.now())
        await session.commit()
    assert removed >= 1
    left = sql(database_url, "SELECT token_hash FROM refresh_token WHERE account_id = %s", login.id)
    assert [bytes(row[0]) for row in left] == [credentials.digest(live["refresh_token"])]


async def test_nothing_that_opens_an_account_is_stored(
    make: MakeLogin, passwords: CountingPasswords, database_url: str
) -> None:
    login = make()
    tokens = await login.tokens()
    await login.refresh(tokens["refresh_token"])
    for table in ("refresh_token", "case_event", "idempotency_record", "account"):
        dump = str(sql(database_url, f"SELECT t::text FROM {table} t"))
        assert tokens["refresh_token"] not in dump
        assert PASSWORD not in dump
