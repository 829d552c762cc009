"""Values that break careless code, in every place that takes one: never a 5xx, always documented.

The generated requests of test_contract roam; these go to every parameter and every member of every
documented body, with the values that have broken services before.
"""

from __future__ import annotations

import copy
import json
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.people import People, Person
from tests.schema.contract import (
    DEFAULT_EXAMPLES,
    EXAMPLES,
    Operation,
    example_of,
    operations,
)
from tests.schema.world import World, parameters

OPERATIONS = [op for op in operations() if not op.endless]
JSON = "application/json"
TEXTS = [
    "\0", "a\0b", "\ud800", "a" * 5_000, "", "' OR 1=1 --", "%", "{0}", "-1", "1e400", "NaN",
    "9" * 30, "9" * 5_000, "9223372036854775808", "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59", "0001-01-01", "2026-02-30T00:00:00Z", "99999999999999",
    "urn:uuid:0197c7a2-6f5e-7c11-9f0a-1d2e3f405162", "５１１７２３", "511723\n", "..",
]  # fmt: skip
VALUES = [
    None, True, -1, 10**30, 2**63, 1e308, [], {}, [None], [[[]]], {"a": 1}, [0] * 5_000,
]  # fmt: skip
BODIES = [
    b"", b"{", b"null", b"NaN", b"1e999999", b"9" * 5_000, b"\xff\xfe", b"\xef\xbb\xbf{}",
    b"[" * 50_000, b'{"a":' * 50_000, b'{"id": "\\ud800"}', b'"\\ud800"', b"--x\r\n\r\n--x--",
    b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nabc\r\n--x--\r\n',
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="\0"\r\n\r\nabc\r\n--x--\r\n',
    b'--x\r\nContent-Type: \xff/\xff; charset=nope\r\n\r\nabc\r\n--x--\r\n',
]  # fmt: skip
TYPES = [
    "", JSON, "application/json; charset=utf-16", "application/json;;;=", "text/plain", "\xff",
    "application/x-www-form-urlencoded; charset=klingon", "multipart/form-data",
    "multipart/form-data; boundary=x", "multipart/form-data; boundary=x; charset=rot13",
]  # fmt: skip
HEADERS = [
    ("authorization", "Bearer " + "a" * 5_000), ("authorization", "Bearer \xff.\xff.\xff"),
    ("authorization", "Bearer eyJhbGciOiJub25lIn0.e30."), ("accept-language", "é;q=x,*;q=nan,,"),
    ("if-match", '"' + "9" * 5_000 + '"'), ("if-match", "\xb2"), ("if-none-match", '"' * 3_000),
    ("range", "bytes=" + "9" * 5_000 + "-"), ("range", "bytes=-" + "0" * 50), ("range", "\xb2=1-2"),
    ("range", "bytes=\xb2-\xb3"), ("if-range", "\xff"), ("idempotency-key", "\xff"),
    ("idempotency-key", "a" * 201), ("accept", "x"), ("host", "\xff"), ("cookie", "\xff"),
]  # fmt: skip

# All values in all places take minutes: by default each place gets a quarter of them, another one
# than its neighbour; a deeper run gets them all.
SHARE = 4 if EXAMPLES <= DEFAULT_EXAMPLES else 1

every_operation = pytest.mark.parametrize("op", OPERATIONS, ids=lambda op: op.id)


@pytest.fixture(scope="module")
def able(people: People, world: World) -> Person:
    """Somebody whom no role keeps from the depth of an operation."""
    county = world.place.spot.county
    return people.make(
        ("administrator", county),
        ("county_dispatcher", county),
        ("grid_worker", world.place.spot.grid),
    )


def share(values: list[Any], place: object) -> list[Any]:
    """The values that this place gets."""
    return values[zlib.crc32(repr(place).encode()) % SHARE :: SHARE]


def quoted(text: str) -> str:
    """As it stands in a URL, surrogates and all."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


async def complaints(op: Operation, who: Person, path: str, **more: Any) -> list[str]:
    """Where the answer is not what is documented."""
    answer = await who.http.request(op.method, path, **more)
    return [f"{path[:200]} {str(more)[:300]}: {fault}" for fault in op.faults(answer)]


@every_operation
async def test_no_parameter_breaks_an_operation(op: Operation, world: World, able: Person) -> None:
    found = []
    for path in _paths(op, world):
        found += await complaints(op, able, path)
    assert found == []


def _paths(op: Operation, world: World) -> Iterator[str]:
    for name in parameters(op.path):
        for text in share(TEXTS, (op.id, name)):
            if text not in ("", ".."):
                yield world.path(op.path.replace(f"{{{name}}}", quoted(text)))
    queries = op.parameters("query")
    needed = {p["name"]: str(example_of(p)) for p in queries if p.get("required")}
    for parameter in queries:
        for text in share(TEXTS, (op.id, parameter["name"])):
            values = {**needed, parameter["name"]: text}
            query = "&".join(f"{name}={quoted(value)}" for name, value in values.items())
            yield f"{world.path(op.path)}?{query}"


@pytest.mark.parametrize("op", [op for op in OPERATIONS if op.body()], ids=lambda op: op.id)
async def test_no_member_of_a_body_breaks_an_operation(
    op: Operation, world: World, able: Person
) -> None:
    body = op.body()
    assert body is not None
    found = []
    for example in op.examples():
        for content, headers in _bodies(body[0], example):
            path = world.path(op.path)
            found += await complaints(op, able, path, content=content, headers=headers)
    assert found == []


def _bodies(media: str, example: dict[str, Any]) -> Iterator[tuple[bytes, dict[str, str]]]:
    if media == JSON:
        for place in _places(example):
            for value in share([*TEXTS, *VALUES], (example, place)):
                changed = json.dumps(_with(example, place, value)).encode()
                yield changed, {"content-type": media}
        return
    for name in example:
        for text in share(TEXTS, (example, name)):
            fields = {**{k: str(v) for k, v in example.items()}, name: text}
            if media.startswith("multipart/"):
                yield _multipart(fields), {"content-type": f"{media}; boundary=x"}
            else:
                query = "&".join(f"{k}={quoted(v)}" for k, v in fields.items())
                yield query.encode(), {"content-type": media}


def _places(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield here
    inside = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        inside = list(enumerate(value))[:1]
    for name, member in inside:
        yield from _places(member, (*here, name))


def _with(body: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    changed = copy.deepcopy(body)
    inner = changed
    for part in place[:-1]:
        inner = inner[part]
    inner[place[-1]] = value
    return changed


def _multipart(fields: dict[str, str]) -> bytes:
    parts = []
    for name, text in fields.items():
        file = '; filename="x"' if name == "file" else ""
        head = f'--x\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
        parts.append(head.encode() + text.encode("utf-8", "surrogatepass") + b"\r\n")
    return b"".join([*parts, b"--x--\r\n"])


@pytest.mark.parametrize("op", [op for op in OPERATIONS if op.body()], ids=lambda op: op.id)
async def test_no_content_type_breaks_an_operation(
    op: Operation, world: World, able: Person
) -> None:
    found = []
    for kind in TYPES:
        headers = {"content-type": kind.encode("latin-1")} if kind else {}
        for content in share(BODIES, (op.id, kind)):
            path = world.path(op.path)
            found += await complaints(op, able, path, content=content, headers=headers)
    assert found == []


@every_operation
async def test_no_header_breaks_an_operation(op: Operation, world: World, able: Person) -> None:
    found = []
    for name, value in HEADERS:
        headers = {name: value.encode("latin-1")}
        found += await complaints(op, able, world.path(op.path), headers=headers)
    assert found == []
