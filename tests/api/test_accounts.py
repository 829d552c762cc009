"""Accounts, administered over HTTP: made, changed, replayed, chained."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from service.auth import schemas
from service.auth.bootstrap import create_administrator, seed_units
from service.auth.errors import LoginTaken, RoleMisplaced, WeakPassword
from service.kit.events import GENESIS, Event
from service.kit.ids import uuid7
from tests.logins import TOKEN, Login, events, sql
from tests.offices import (
    COUNTY,
    HERE,
    THERE,
    VILLAGE,
    give,
    login,
    new,
    patch,
    prepare,
    refusal,
)
from tests.people import People, Person


@pytest.fixture(scope="module", autouse=True)
def places(database_url: str) -> None:
    """The places and units that these tests name."""
    prepare(database_url)


@pytest.fixture(scope="module")
def county(people: People) -> Person:
    return people.make(("administrator", COUNTY))


@pytest.fixture(scope="module")
def township(people: People) -> Person:
    return people.make(("administrator", HERE))


async def test_a_new_person_logs_in_with_the_password_shown_once(
    township: Person, client: httpx.AsyncClient, database_url: str
) -> None:
    made = await new(township)
    assert schemas.AccountIssued.model_validate(made).client_secret is None
    entered = await Login(UUID(made["id"]), made["login"], client).enter(made["password"])
    assert entered.status_code == 200
    shown = await township.get(f"/v1/accounts/{made['id']}")
    assert schemas.AccountOut.model_validate(shown.json()).area == HERE
    assert "password" not in shown.json()
    assert events(database_url, made["id"]) == ["account.created", "account.logged_in"]


async def test_a_new_system_logs_in_with_the_secret_shown_once(
    county: Person, client: httpx.AsyncClient
) -> None:
    made = await new(county, COUNTY, kind="system")
    assert made["password"] is None
    form = {"grant_type": "client_credentials", "client_id": made["login"]}
    old = {**form, "client_secret": made["client_secret"]}
    assert (await client.post(TOKEN, data=old)).status_code == 200
    reset = await patch(county, f"/v1/accounts/{made['id']}", {"reset_password": True})
    renewed = {**form, "client_secret": reset.json()["client_secret"]}
    assert (await client.post(TOKEN, data=old)).status_code == 401
    assert (await client.post(TOKEN, data=renewed)).status_code == 200


@pytest.mark.parametrize("by_key", [True, False])
async def test_a_replay_gives_the_same_account_and_never_the_secret(
    by_key: bool, township: Person, database_url: str
) -> None:
    body = {"login": login(), "name": "王芳", "area": HERE}
    headers = {"idempotency-key": login()} if by_key else {}
    if not by_key:
        body["id"] = str(uuid7())
    first = await township.post("/v1/accounts", body, headers=headers)
    again = await township.post("/v1/accounts", body, headers=headers)
    assert first.status_code == again.status_code == 201
    assert first.headers["location"] == again.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    secret = first.json()["password"]
    assert len(secret) == 19
    assert {**first.json(), "password": None} == again.json()
    for table in ("idempotency_record", "case_event", "account"):
        assert secret not in str(sql(database_url, f"SELECT t::text FROM {table} t"))
    other = await township.post("/v1/accounts", {**body, "name": "李"}, headers=headers)
    assert refusal(other) == (409, "idempotency_key_reused")


async def test_what_is_taken_is_said(township: Person, county: Person) -> None:
    made = await new(township, id=str(uuid7()), oidc_subject="sub-taken")
    body = {"login": login(), "name": "王芳", "area": HERE}
    for more, code in (
        ({"login": made["login"]}, "login_taken"),
        ({"oidc_subject": "sub-taken"}, "oidc_subject_taken"),
        ({"id": made["id"]}, "id_taken"),
    ):
        assert refusal(await county.post("/v1/accounts", {**body, **more})) == (409, code)


BAD_ACCOUNTS: dict[str, dict[str, Any]] = {
    "login in capitals": {"login": "Wang"},
    "login too short": {"login": "ab"},
    "login with a space": {"login": "wang fang"},
    "blank name": {"name": "   "},
    "NUL in the name": {"name": "a\0"},
    "long name": {"name": "王" * 51},
    "area of five digits": {"area": "51172"},
    "kind unknown": {"kind": "robot"},
    "a password of the administrator's choice": {"password": "given by hand 1"},
    "no way in": {"with_password": False},
    "an id that is none": {"id": "1"},
}


@pytest.mark.parametrize("case", BAD_ACCOUNTS)
async def test_a_bad_account_is_refused(case: str, county: Person) -> None:
    body = {"login": login(), "name": "王芳", "area": COUNTY, **BAD_ACCOUNTS[case]}
    answer = await county.post("/v1/accounts", body)
    assert refusal(answer) == (422, "invalid_input")
    assert answer.json()["errors"]


async def test_an_area_that_does_not_exist_is_refused(county: Person) -> None:
    body = {"login": login(), "name": "王芳", "area": "511723999"}
    assert refusal(await county.post("/v1/accounts", body)) == (422, "unknown_area")


async def test_disabling_ends_everything_at_once_and_enabling_brings_it_back(
    township: Person, client: httpx.AsyncClient, people: People, database_url: str
) -> None:
    made = await new(township)
    person = Login(UUID(made["id"]), made["login"], client)
    tokens = (await person.enter(made["password"])).json()
    path = f"/v1/accounts/{made['id']}"
    done = await patch(township, path, {"status": "disabled"})
    assert done.json()["status"] == "disabled"
    async with people.acting_as(person.id) as http:
        assert (await http.get("/v1/me")).status_code == 401
    assert refusal(await give(township, made["id"], "grid_worker", VILLAGE)) == (
        409, "account_disabled",
    )  # fmt: skip
    assert (await patch(township, path, {"status": "active"})).json()["status"] == "active"
    assert (await person.refresh(tokens["refresh_token"])).status_code == 400
    assert (await person.enter(made["password"])).status_code == 200
    assert [e for e in events(database_url, made["id"]) if "abled" in e] == [
        "account.disabled", "account.enabled",
    ]  # fmt: skip


async def test_a_reset_password_replaces_the_old_and_unlocks(
    township: Person, client: httpx.AsyncClient, database_url: str
) -> None:
    made = await new(township)
    person = Login(UUID(made["id"]), made["login"], client)
    tokens = (await person.enter(made["password"])).json()
    sql(
        database_url,
        "UPDATE account SET locked_until = now() + interval '1 h', failed_logins = 5"
        " WHERE id = %s RETURNING id",
        made["id"],
    )
    path = f"/v1/accounts/{made['id']}"
    assert (await township.get(path)).json()["locked_until"] is not None
    reset = await patch(township, path, {"reset_password": True})
    assert reset.json()["locked_until"] is None
    assert (await person.refresh(tokens["refresh_token"])).status_code == 400
    assert (await person.enter(made["password"])).status_code == 400
    assert (await person.enter(reset.json()["password"])).status_code == 200


async def test_an_administrator_unlocks_renames_moves_and_links(
    county: Person, database_url: str
) -> None:
    made = await new(county)
    sql(
        database_url,
        "UPDATE account SET locked_until = now() + interval '1 h' WHERE id = %s",
        made["id"],
    )
    body = {"unlock": True, "name": "王小芳", "area": THERE, "oidc_subject": "sub-1"}
    changed = (await patch(county, f"/v1/accounts/{made['id']}", body)).json()
    assert (changed["locked_until"], changed["name"]) == (None, "王小芳")
    assert (changed["area"], changed["oidc_subject"]) == (THERE, "sub-1")
    unlinked = await patch(county, f"/v1/accounts/{made['id']}", {"oidc_subject": None})
    assert unlinked.json()["oidc_subject"] is None
    assert unlinked.json()["password"] is None
    assert set(events(database_url, made["id"])) == {
        "account.created", "account.moved", "account.renamed", "account.linked",
        "account.unlinked", "account.unlocked",
    }  # fmt: skip


async def test_a_change_of_nothing_is_refused_and_a_change_to_the_same_leaves_no_event(
    township: Person, database_url: str
) -> None:
    made = await new(township)
    path = f"/v1/accounts/{made['id']}"
    assert refusal(await patch(township, path, {})) == (422, "invalid_input")
    assert (await patch(township, path, {"name": made["name"]})).status_code == 200
    assert events(database_url, made["id"]) == ["account.created"]


async def test_every_change_is_chained_and_tells_no_secret(
    county: Person, database_url: str
) -> None:
    made = await new(county)
    path = f"/v1/accounts/{made['id']}"
    for body in ({"name": "一"}, {"name": "二"}, {"reset_password": True}, {"status": "disabled"}):
        assert (await patch(county, path, body)).status_code == 200
    rows = sql(
        database_url,
        "SELECT case_kind, case_id, seq, event, action, actor_id, actor_role, from_state, to_state,"
        " clauses, recorded_at, occurred_at, payload, prev_hash, hash FROM case_event"
        " WHERE case_id = %s ORDER BY seq",
        made["id"],
    )
    previous = GENESIS
    for *columns, prev_hash, digest in rows:
        columns[9] = tuple(columns[9])
        assert bytes(prev_hash) == previous
        previous = Event(*columns).digest(previous)
        assert bytes(digest) == previous
        assert (columns[5], columns[6]) == (county.id, "administrator")
        assert "password" not in {key for key in columns[12] if columns[12][key]}
    assert [row[3] for row in rows] == [
        "account.created", "account.renamed", "account.renamed", "account.password_reset",
        "account.disabled",
    ]  # fmt: skip
    renamed = msgspec.convert(json.loads(json.dumps(rows[2][12])), type=dict[str, list[str]])
    assert renamed == {"name": ["一", "二"]}


async def test_the_first_administrator_logs_in_and_administers(
    app: FastAPI, client: httpx.AsyncClient, database_url: str, people: People
) -> None:
    name, password = login(), "first words of a deployment"
    async with app.state.db.session(None) as session:
        account = await create_administrator(session, name, password, COUNTY)
        await session.commit()
    assert (await Login(account, name, client).enter(password)).status_code == 200
    assert events(database_url, account) == ["account.created", "account.logged_in"]
    chief = Person(account, name, people.acting_as(account))
    made = await new(chief, COUNTY)
    assert (await give(chief, made["id"], "administrator", HERE)).status_code == 201
    for refused, again in (
        (LoginTaken, (name, password, COUNTY)),
        (WeakPassword, (login(), "password123", COUNTY)),
        (RoleMisplaced, (login(), password, VILLAGE)),
    ):
        async with app.state.db.session(None) as session:
            with pytest.raises(refused):
                await create_administrator(session, *again)


async def test_the_usual_units_are_seeded_once(app: FastAPI, county: Person) -> None:
    async with app.state.db.session(None) as session:
        first = await seed_units(session, COUNTY, [VILLAGE])
        second = await seed_units(session, COUNTY, [VILLAGE])
        await session.commit()
    assert first >= 4, "the village's committees are new, whatever the database holds"
    assert second == 0
    units = (await county.get("/v1/units", params={"limit": "200"})).json()["items"]
    names = {unit["code"]: (unit["name_zh"], unit["tier"]) for unit in units}
    assert names["511723-housing"] == ("县住建局", 4)
    assert names[f"{VILLAGE}-mediation"] == ("人民调解委员会", 2)
