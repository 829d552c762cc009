"""Accounts that log in with passwords, for tests: one hash serves them all, hashing is slow."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import httpx
import psycopg

from service.auth.credentials import Checked, Passwords
from service.kit import clock
from service.kit.ids import uuid7

PASSWORD = "correct horse battery 91"
TOKEN = "/v1/auth/token"


@cache
def password_hash() -> str:
    """The Argon2 hash of PASSWORD."""
    return asyncio.run(Passwords().hash(PASSWORD))


class CountingPasswords(Passwords):
    """Checks in no time against PASSWORD, and counts; for tests of what stands around it."""

    def __init__(self) -> None:
        super().__init__()
        self.checks = 0

    async def check(self, password: str, stored: str | None) -> Checked:
        self.checks += 1
        await asyncio.sleep(0.01)
        return Checked(right=stored is not None and password == PASSWORD)


@dataclass(frozen=True)
class Login:
    """An account with a password, and how it logs in over HTTP."""

    id: UUID
    login: str
    client: httpx.AsyncClient

    async def enter(self, password: str = PASSWORD, **more: str) -> httpx.Response:
        form = {"grant_type": "password", "username": self.login, "password": password, **more}
        return await self.client.post(TOKEN, data=form)

    async def refresh(self, token: str, **more: str) -> httpx.Response:
        form = {"grant_type": "refresh_token", "refresh_token": token, **more}
        return await self.client.post(TOKEN, data=form)

    async def tokens(self, **more: str) -> dict[str, Any]:
        answer = await self.enter(**more)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def make_login(database_url: str, client: httpx.AsyncClient, **columns: Any) -> Login:
    """A new active account whose password is PASSWORD; `columns` override."""
    account = uuid7()
    values = {
        "id": account, "login": f"l{account.hex}", "name": "登录员", "kind": "person",
        "status": "active", "failed_logins": 0, "created_at": clock.now(),
        "password_hash": password_hash(), **columns,
    }  # fmt: skip
    names = ", ".join(values)
    marks = ", ".join(f"%({name})s" for name in values)
    with psycopg.connect(database_url) as connection:
        connection.execute(f"INSERT INTO account ({names}) VALUES ({marks})", values)
    return Login(account, values["login"], client)


def sql(database_url: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run one statement as the tables' owner; its rows."""
    with psycopg.connect(database_url) as connection:
        done = connection.execute(statement, values)
        return done.fetchall() if done.description else []


def events(database_url: str, case: UUID | str) -> list[str]:
    """The names of what happened to an account, assignment or unit, in order."""
    rows = sql(database_url, "SELECT event FROM case_event WHERE case_id = %s ORDER BY seq", case)
    return [row[0] for row in rows]
