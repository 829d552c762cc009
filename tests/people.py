"""Accounts for tests: made straight in the database, acting over HTTP with real tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import psycopg
from fastapi import FastAPI

from service.kit import clock
from service.kit.ids import uuid7


@dataclass(frozen=True)
class Person:
    """An account and a client that acts as it."""

    id: UUID
    login: str
    http: httpx.AsyncClient

    async def get(self, url: str, **more: Any) -> httpx.Response:
        return await self.http.get(url, **more)

    async def post(self, url: str, json: Any = None, **more: Any) -> httpx.Response:
        return await self.http.post(url, json=json, **more)


class People:
    """`make("grid_worker", "511723100200001")` is a worker of that grid's village …"""

    def __init__(self, app: FastAPI, client: httpx.AsyncClient, database_url: str) -> None:
        self._app = app
        self._transport = client._transport
        self._url = database_url

    def make(self, *grants: tuple[str, str] | tuple[str, str, str], name: str = "测试员") -> Person:
        """A new account with `grants` of (role, area) or (role, area, unit), from a day ago."""
        account = uuid7()
        login = f"t{account.hex}"
        now = clock.now()
        with psycopg.connect(self._url) as connection:
            connection.execute(
                "INSERT INTO account (id, login, name, kind, status, failed_logins, created_at)"
                " VALUES (%s, %s, %s, 'person', 'active', 0, %s)",
                (account, login, name, now),
            )
            for grant in grants:
                unit = grant[2] if len(grant) == 3 else None
                connection.execute(
                    "INSERT INTO assignment (id, account_id, role, area_code, unit_code,"
                    " valid_from, created_at)"
                    " VALUES (%s, %s, %s, %s, %s, now() - interval '1 day', now())",
                    (uuid7(), account, grant[0], grant[1], unit),
                )
        return Person(account, login, self.acting_as(account))

    def acting_as(self, account: UUID) -> httpx.AsyncClient:
        """A client with a fresh access token of `account`."""
        token = self._app.state.tokens.issue(account, uuid7(), clock.now())
        return httpx.AsyncClient(
            transport=self._transport,
            base_url="http://gridward.test",
            headers={"authorization": f"Bearer {token}"},
        )
