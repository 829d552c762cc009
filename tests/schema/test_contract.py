"""Whatever is sent to the API, by whomever: no 5xx, no undocumented status, header or content.

Requests are generated from the contract, good ones and bad ones, the same ones every time.
GRIDWARD_FUZZ_EXAMPLES=200 sends more of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
import requests
import schemathesis
from fastapi import FastAPI
from schemathesis.core.failures import FailureGroup

from service.config import Settings
from service.kit import clock
from service.kit.ids import uuid7
from tests.cases import UNIT
from tests.people import People, Person
from tests.schema.fuzz import CHECKS, Sender, generated
from tests.schema.world import World
from tests.server import Server

schema = generated()


@pytest.fixture(scope="module")
def server(
    world: World, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A real server, with real parsing of what is sent, over the world that was made."""
    running = Server(settings, tmp_path_factory.mktemp("server") / "log")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def sender(server: Server, world: World, app: FastAPI, people: People) -> Iterator[Sender]:
    """Sends as people made for this operation: an earlier one may have ended the others' roles."""
    county, grid = world.place.spot.county, world.place.spot.grid

    def token(person: Person) -> str:
        issued: str = app.state.tokens.issue(person.id, uuid7(), clock.now())
        return issued

    all_round = (("administrator", county), ("county_dispatcher", county), ("grid_worker", grid))
    able = token(people.make(*all_round, ("unit_handler", county, UNIT)))
    dispatcher = token(people.make(("county_dispatcher", county)))
    worker = token(people.make(("grid_worker", grid)))
    with requests.Session() as session:
        session.trust_env = False
        callers = (able, able, dispatcher, able, able, worker, able, None)
        yield Sender(server.base_url, world, session, callers)


@schema.parametrize()
def test_whatever_is_sent_the_answer_is_as_documented(
    case: schemathesis.Case, sender: Sender
) -> None:
    case.validate_response(sender.send(case), CHECKS)


@pytest.mark.parametrize(
    ("status", "headers", "body", "told"),
    [
        (500, {}, {}, "Server error"),
        (418, {}, {}, "Undocumented status code"),
        (200, {}, {"id": 1}, "Response violates schema"),
        (200, {"content-type": "text/html"}, {}, "Undocumented Content-Type"),
        (200, {"link": ""}, {}, "Missing required"),
        (200, {"x-secret": "1"}, {}, "undocumented headers"),
    ],
)
def test_an_answer_that_is_not_documented_is_noticed(
    status: int, headers: dict[str, str], body: object, told: str
) -> None:
    sent = {"content-type": "application/json", "x-request-id": "1", "link": "x", **headers}
    answer = httpx.Response(
        status,
        headers={name: value for name, value in sent.items() if value},
        json=body,
        request=httpx.Request("GET", "http://gridward.test/v1/me"),
    )
    answer.elapsed = timedelta(0)
    with pytest.raises(FailureGroup) as failed:
        schema["/v1/me"]["GET"].Case().validate_response(answer, CHECKS)
    assert told in "".join(f"{one.title} {one}" for one in failed.value.exceptions)
