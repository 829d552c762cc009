"""Stock over HTTP: never below zero, whoever comes at once; each movement counts once."""

from __future__ import annotations

import asyncio
from collections import Counter

import psycopg
import pytest

from service.emergency.schemas.resources import MovementOut, StockPage
from service.kit.ids import uuid7
from tests.cases import spots
from tests.emergencies import ITEM, Scene, balance, history, move, refused
from tests.people import People


@pytest.fixture(scope="module")
def scene(people: People, database_url: str) -> Scene:
    return Scene(people, spots(database_url, 1)[0], database_url)


async def test_a_ledger_says_how_the_balance_came_about(scene: Scene, database_url: str) -> None:
    point = await scene.supplied(100)
    for kind, quantity, left, out in (
        ("issue", 30, 70, 30),
        ("return", 10, 80, 20),
        ("count", 77, 77, 20),
        ("receive", 3, 80, 20),
        ("issue", 80, 0, 100),
        ("count", 0, 0, 100),
    ):
        answer = await move(scene.village, point, kind, quantity)
        entry = MovementOut.model_validate(answer.json())
        assert entry.balance == left
        assert await balance(scene.village, point) == (left, out)
    ledger: list[MovementOut] = []
    cursor = ""
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        path = f"/v1/resources/{point['id']}/movements?item={ITEM}&limit=3{more}"
        page = (await scene.auditor.get(path)).json()
        ledger += [MovementOut.model_validate(row) for row in page["items"]]
        cursor = page["next"]
    assert [entry.seq for entry in ledger] == [7, 6, 5, 4, 3, 2, 1]
    assert [entry.change for entry in ledger] == [0, -80, 3, -3, 10, -30, 100]
    assert sum(entry.change for entry in ledger) == ledger[0].balance
    names = [event.event.partition(".")[2] for event in history(database_url, point["id"])]
    assert names == [
        "registered", "stock_received", "stock_issued", "stock_returned", "stock_counted",
        "stock_received", "stock_issued", "stock_counted",
    ]  # fmt: skip


async def test_a_ledger_is_never_rewritten(scene: Scene, database_url: str) -> None:
    await scene.supplied(1)
    with psycopg.connect(database_url) as connection:
        connection.execute("SET ROLE gridward_app")
        for statement in ("UPDATE stock_movement SET quantity = 9", "DELETE FROM stock_movement"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(statement)


@pytest.mark.parametrize(
    ("kind", "quantity", "expected"),
    [
        ("issue", 11, (409, "stock_short")),
        ("return", 1, (409, "return_exceeds_issue")),
        ("issue", 0, (422, "invalid_input")),
        ("issue", -1, (422, "invalid_input")),
        ("receive", 1_000_000_001, (422, "invalid_input")),
        ("receive", 1_000_000_000, (422, "stock_too_large")),
        ("steal", 1, (422, "invalid_input")),
    ],
)
async def test_what_cannot_be_moved_changes_nothing(
    kind: str, quantity: int, expected: tuple[int, str], scene: Scene
) -> None:
    point = await scene.supplied(10)
    assert refused(await move(scene.county, point, kind, quantity)) == expected
    assert await balance(scene.county, point) == (10, 0)


async def test_only_a_supply_point_keeps_stock_and_only_known_items(scene: Scene) -> None:
    team = await scene.registered()
    assert refused(await move(scene.county, team, "receive", 1)) == (409, "no_supply_point")
    point = await scene.supplied(1)
    path = f"/v1/resources/{point['id']}/movements"
    body = {"item": "gold", "kind": "receive", "quantity": 1}
    assert refused(await scene.county.post(path, body)) == (422, "unknown_stock_item")
    wrong = await move(scene.county, point, "issue", 1, activation=str(uuid7()))
    assert refused(wrong) == (422, "unknown_activation")
    over = await scene.ended(await scene.started(drill=True))
    late = await move(scene.county, point, "issue", 1, activation=over["id"])
    assert refused(late) == (409, "activation_ended")


async def test_who_moves_stock_is_its_keeper(scene: Scene) -> None:
    point = await scene.supplied(10)
    for right in (scene.village, scene.township, scene.county, scene.handler):
        assert (await move(right, point, "issue", 1)).status_code == 201
    for other in (scene.other_handler, scene.committee):
        assert refused(await move(other, point, "issue", 1)) == (404, "not_found")
    for nobody in (scene.worker, scene.auditor, scene.administrator, scene.system):
        assert refused(await move(nobody, point, "issue", 1)) == (403, "forbidden")
    assert await balance(scene.county, point) == (6, 4)


async def test_of_many_who_take_at_once_nobody_takes_what_is_not_there(scene: Scene) -> None:
    """Forty take three each of a hundred, while others count and return: real commits."""
    point = await scene.supplied(100)
    takers = [scene.village, scene.township, scene.county, scene.handler]

    async def take(number: int) -> int:
        while True:
            answer = await move(takers[number % 4], point, "issue", 3)
            if answer.status_code in (201, 409) and answer.json().get("code") != "busy":
                return answer.status_code
            assert answer.status_code in (409, 503), answer.text

    found = Counter(await asyncio.gather(*(take(number) for number in range(40))))
    assert found == {201: 33, 409: 7}
    assert await balance(scene.county, point) == (1, 99)
    page = (await scene.auditor.get(f"/v1/resources/{point['id']}/movements?limit=200")).json()
    left = [row["balance"] for row in page["items"]]
    assert left == sorted(left)
    assert min(left) >= 0
    assert [row["seq"] for row in page["items"]] == list(range(34, 0, -1))


async def test_the_same_movement_sent_many_times_at_once_counts_once(scene: Scene) -> None:
    point = await scene.supplied(100)
    entry = str(uuid7())
    answers = await asyncio.gather(
        *(move(scene.village, point, "issue", 10, id=entry) for _ in range(8))
    )
    good = [a for a in answers if a.status_code == 201]
    assert len({a.json()["seq"] for a in good}) == 1
    assert all(a.status_code in (201, 409) for a in answers)
    assert await balance(scene.village, point) == (90, 10)
    again = await move(scene.village, point, "issue", 10, id=entry)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    other = await move(scene.village, point, "issue", 11, id=entry)
    assert refused(other) == (409, "idempotency_key_reused")
    theirs = await move(scene.county, point, "issue", 10, id=entry)
    assert refused(theirs) == (409, "id_taken")
    assert await balance(scene.village, point) == (90, 10)


async def test_the_database_itself_holds_no_balance_below_zero(
    scene: Scene, database_url: str
) -> None:
    point = await scene.supplied(1)
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(
            "UPDATE stock SET balance = balance - 2 WHERE resource_id = %s", (point["id"],)
        )


async def test_stock_is_read_live_by_item_and_area(scene: Scene) -> None:
    points = [await scene.supplied(many) for many in (4, 5)]
    path = f"/v1/stock?item={ITEM}&area={scene.spot.township}&limit=1"
    rows: dict[str, int] = {}
    cursor = ""
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        page = (await scene.auditor.get(path + more)).json()
        for row in StockPage.model_validate(page).items:
            rows[str(row.resource)] = row.balance
        cursor = page["next"]
    assert {p["id"]: rows[p["id"]] for p in points} == {
        points[0]["id"]: 4, points[1]["id"]: 5,
    }  # fmt: skip
    assert (await scene.other_handler.get("/v1/stock")).json()["items"] == []
