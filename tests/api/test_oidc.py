"""Tokens of the alternative issuer, whose key set is served in process."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from service.auth import oidc
from service.config import Settings
from service.kit import clock
from service.kit.ids import uuid7
from tests.logins import make_login, sql

ISSUER, AUDIENCE = "https://id.example.cn/realm", "gridward"
JWKS_URL = "https://id.example.cn/realm/keys"

RSA = RSAKey.generate_key(2048, {"kid": "rsa-1", "use": "sig", "alg": "RS256"})
EC = ECKey.generate_key("P-256", {"kid": "ec-1", "use": "sig"})
STRANGER = RSAKey.generate_key(2048, {"kid": "rsa-1"})
LATER = RSAKey.generate_key(2048, {"kid": "rsa-2"})
# Published for encryption only; whoever holds it can sign with it all the same.
ENCRYPTING = RSAKey.generate_key(2048, {"kid": "rsa-enc"})
FOR_ENCRYPTION = {**ENCRYPTING.as_dict(private=False), "use": "enc"}


class Issuer:
    """Serves the issuer's documents and counts how often it is asked."""

    def __init__(self) -> None:
        self.keys: list[Any] = [RSA, EC]
        secret = {"kty": "oct", "k": "c2VjcmV0", "kid": "oct-1"}
        self.extra: list[dict[str, Any]] = [FOR_ENCRYPTION, secret, {}]
        self.asked = 0
        self.down = False
        self.discovery: dict[str, Any] = {"issuer": ISSUER, "jwks_uri": JWKS_URL}

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.down:
            raise httpx.ConnectTimeout("down", request=request)
        if request.url.path.endswith("openid-configuration"):
            return httpx.Response(200, json=self.discovery)
        published = [key.as_dict(private=False) for key in self.keys]
        return httpx.Response(200, json={"keys": published + self.extra})

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self.answer))


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def with_oidc(settings: Settings) -> Settings:
    return settings.model_copy(
        update={"oidc_issuer": ISSUER, "oidc_audience": AUDIENCE, "oidc_jwks_url": JWKS_URL}
    )


@asynccontextmanager
async def switched_on(app: FastAPI, settings: Settings, issuer: Issuer) -> AsyncIterator[oidc.Oidc]:
    """The application with the alternative issuer."""
    before = app.state.oidc
    app.state.oidc = made = oidc.Oidc(settings, app.state.db, issuer.client())
    try:
        yield made
    finally:
        app.state.oidc = before
        await made.close()


@pytest.fixture(autouse=True)
async def other_issuer(
    app: FastAPI, with_oidc: Settings, issuer: Issuer
) -> AsyncIterator[oidc.Oidc]:
    """Every test here runs with the alternative issuer switched on."""
    async with switched_on(app, with_oidc, issuer) as made:
        yield made


@pytest.fixture
def linked(database_url: str, client: httpx.AsyncClient) -> tuple[UUID, str]:
    """An account that only comes by the other issuer, and its subject there."""
    subject = f"sub-{uuid7()}"
    return make_login(database_url, client, oidc_subject=subject, password_hash=None).id, subject


def claims(subject: str, **more: Any) -> dict[str, Any]:
    now = int(time.time())
    base = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": now, "exp": now + 300}
    return {name: value for name, value in {**base, **more}.items() if value is not None}


def signed(payload: dict[str, Any], key: Any = RSA, alg: str = "RS256", **header: Any) -> str:
    return jwt.encode({"alg": alg, "kid": key.kid, **header}, payload, key)


def unsigned(header: dict[str, Any], payload: dict[str, Any], signature: str = "") -> str:
    parts = (json.dumps(part).encode() for part in (header, payload))
    texts = [base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts]
    return ".".join([*texts, signature])


async def me(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.get("/v1/me", headers={"authorization": f"Bearer {token}"})


@pytest.mark.parametrize(("key", "alg"), [(RSA, "RS256"), (EC, "ES256")])
async def test_a_token_of_the_other_issuer_opens_the_linked_account(
    key: Any, alg: str, client: httpx.AsyncClient, linked: tuple[UUID, str]
) -> None:
    account, subject = linked
    for audience in (AUDIENCE, ["other", AUDIENCE]):
        answer = await me(client, signed(claims(subject, aud=audience), key, alg))
        assert answer.status_code == 200, answer.text
        assert answer.json()["id"] == str(account)


async def test_own_tokens_still_work(
    app: FastAPI, client: httpx.AsyncClient, linked: tuple[UUID, str], issuer: Issuer
) -> None:
    own = app.state.tokens.issue(linked[0], uuid7(), clock.now())
    assert (await me(client, own)).status_code == 200
    assert issuer.asked == 0


def tampered(subject: str) -> str:
    head, _, signature = signed(claims("somebody")).split(".")
    body = json.dumps(claims(subject)).encode()
    return f"{head}.{base64.urlsafe_b64encode(body).decode().rstrip('=')}.{signature}"


def confused(subject: str) -> str:
    """HMAC with the published RSA key as the secret: what a careless verifier accepts."""
    text = unsigned({"alg": "HS256", "kid": RSA.kid}, claims(subject))[:-1]
    mac = hmac.digest(RSA.as_pem(private=False), text.encode(), "sha256")
    return f"{text}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


NOW = int(time.time())
FORGED = {
    "wrong audience": lambda s: signed(claims(s, aud="other")),
    "no audience": lambda s: signed(claims(s, aud=None)),
    "expired": lambda s: signed(claims(s, exp=NOW - 120)),
    "no expiry": lambda s: signed(claims(s, exp=None)),
    "expiry that is text": lambda s: signed(claims(s, exp="tomorrow")),
    "expiry that is true": lambda s: signed(claims(s, exp=True)),
    "not yet valid": lambda s: signed(claims(s, nbf=NOW + 3600)),
    "no subject": lambda s: signed(claims(s, sub=None)),
    "subject that is a number": lambda s: signed(claims(s, sub=7)),
    "signed by a stranger under a known key id": lambda s: signed(claims(s), STRANGER),
    "unknown key id": lambda s: signed(claims(s), LATER),
    "a key that is for encryption": lambda s: signed(claims(s), ENCRYPTING),
    "an RSA key id with an EC algorithm": lambda s: signed(claims(s), EC, "ES256", kid=RSA.kid),
    "another RSA algorithm": lambda s: jwt.encode(
        {"alg": "PS256", "kid": "rsa-1"}, claims(s), STRANGER, algorithms=["PS256"]
    ),
    "algorithm none": lambda s: unsigned({"alg": "none"}, claims(s)),
    "algorithm None in capitals": lambda s: unsigned({"alg": "None", "kid": "rsa-1"}, claims(s)),
    "no signature": lambda s: unsigned({"alg": "RS256", "kid": "rsa-1"}, claims(s)),
    "header that is no object": lambda s: unsigned([], claims(s)),  # type: ignore[arg-type]
    "changed claims": tampered,
    "public key as HMAC secret": confused,
}


@pytest.mark.parametrize("case", FORGED)
async def test_a_forged_or_foreign_token_is_refused(
    case: str, client: httpx.AsyncClient, linked: tuple[UUID, str]
) -> None:
    answer = await me(client, FORGED[case](linked[1]))
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.b.c", "é.é.é", "." * 10, "e30.e30.e30"])
async def test_garbage_is_refused(token: str, client: httpx.AsyncClient) -> None:
    answer = await client.get(
        "/v1/me", headers={"authorization": f"Bearer {token}".encode("latin-1")}
    )
    assert answer.status_code == 401


async def test_a_token_of_a_third_issuer_is_refused_without_asking_anybody(
    client: httpx.AsyncClient, issuer: Issuer, linked: tuple[UUID, str]
) -> None:
    token = signed(claims(linked[1], iss="https://evil.example"))
    assert (await me(client, token)).status_code == 401
    assert issuer.asked == 0


async def test_an_unlinked_subject_is_told_to_ask_an_administrator(
    client: httpx.AsyncClient,
) -> None:
    answer = await me(client, signed(claims("sub-of-nobody")))
    assert (answer.status_code, answer.json()["code"]) == (401, "oidc_subject_unlinked")
    assert "sub-of-nobody" in answer.json()["detail"]
    assert "管理员" in answer.json()["detail"]


async def test_a_disabled_account_stays_out(
    client: httpx.AsyncClient, linked: tuple[UUID, str], database_url: str
) -> None:
    sql(database_url, "UPDATE account SET status = 'disabled' WHERE id = %s", linked[0])
    assert (await me(client, signed(claims(linked[1])))).status_code == 401


async def test_keys_are_fetched_once_and_made_up_key_ids_do_not_press_the_issuer(
    client: httpx.AsyncClient, linked: tuple[UUID, str], issuer: Issuer
) -> None:
    for _ in range(3):
        assert (await me(client, signed(claims(linked[1])))).status_code == 200
    assert issuer.asked == 1
    for number in range(10):
        forged = signed(claims(linked[1]), STRANGER, kid=f"made-up-{number}")
        assert (await me(client, forged)).status_code == 401
    assert issuer.asked == 1


async def test_a_rotated_key_is_found_once_the_limit_has_passed(
    client: httpx.AsyncClient,
    linked: tuple[UUID, str],
    issuer: Issuer,
    other_issuer: oidc.Oidc,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moment = 1000.0
    monkeypatch.setattr(other_issuer.keys, "_seconds", lambda: moment)
    assert (await me(client, signed(claims(linked[1])))).status_code == 200
    issuer.keys = [LATER]
    moment += oidc.REFETCH_SECONDS
    assert (await me(client, signed(claims(linked[1]), LATER))).status_code == 200
    assert (await me(client, signed(claims(linked[1])))).status_code == 401
    assert issuer.asked == 2


async def test_known_keys_outlive_an_issuer_that_does_not_answer(
    client: httpx.AsyncClient,
    linked: tuple[UUID, str],
    issuer: Issuer,
    other_issuer: oidc.Oidc,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moment = 1000.0
    monkeypatch.setattr(other_issuer.keys, "_seconds", lambda: moment)
    token = signed(claims(linked[1]))
    issuer.down = True
    assert (await me(client, token)).status_code == 503
    assert (await me(client, token)).status_code == 503
    assert issuer.asked == 1
    issuer.down = False
    moment += oidc.RETRY_SECONDS
    assert (await me(client, token)).status_code == 200
    issuer.down = True
    moment += oidc.KEYS_FOR_SECONDS
    assert (await me(client, token)).status_code == 200
    assert issuer.asked == 3


@pytest.mark.parametrize(("document", "status"), [(ISSUER, 200), ("https://evil.example", 503)])
async def test_the_key_address_is_discovered_where_it_is_not_set(
    document: str,
    status: int,
    app: FastAPI,
    client: httpx.AsyncClient,
    linked: tuple[UUID, str],
    issuer: Issuer,
    with_oidc: Settings,
) -> None:
    issuer.discovery["issuer"] = document
    discovering = with_oidc.model_copy(update={"oidc_jwks_url": ""})
    async with switched_on(app, discovering, issuer):
        assert (await me(client, signed(claims(linked[1])))).status_code == status


async def test_a_token_without_key_id_is_taken_where_only_one_key_fits(
    client: httpx.AsyncClient,
    linked: tuple[UUID, str],
    issuer: Issuer,
    app: FastAPI,
    with_oidc: Settings,
) -> None:
    token = jwt.encode({"alg": "ES256"}, claims(linked[1]), EC)
    assert (await me(client, token)).status_code == 200
    issuer.keys.append(ECKey.generate_key("P-256", {"kid": "ec-2"}))
    async with switched_on(app, with_oidc, issuer):
        assert (await me(client, token)).status_code == 401


async def test_logging_devices_out_by_a_foreign_token_shows_no_current_login(
    client: httpx.AsyncClient, linked: tuple[UUID, str]
) -> None:
    headers = {"authorization": f"Bearer {signed(claims(linked[1]))}"}
    answer = await client.get("/v1/me/sessions", headers=headers)
    assert answer.json() == {"items": [], "next": None}
