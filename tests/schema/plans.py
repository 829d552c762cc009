"""Runs the service's statements as the service runs them, and reads the plans that they get."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import ClientCursor

from service.auth.permissions import Role
from service.auth.subject import Grant, Subject
from service.db import APP_ROLE, WRITER_ROLE
from tests.bench import bulk
from tests.conftest import create_database, server_url, with_database

MODES = ("force_custom_plan", "force_generic_plan")


@dataclass(frozen=True)
class Plan:
    """One execution: rows returned, pages touched (8 KB), scans of tables, and the whole tree."""

    rows: int
    pages: int
    nodes: list[dict[str, Any]]

    @property
    def indexes(self) -> set[str]:
        """The indexes that were used; a subplan that was never run does not count."""
        return {n["Index Name"] for n in self.nodes if "Index Name" in n and n["Actual Loops"]}

    @property
    def read_through(self) -> set[str]:
        """The tables that were read from end to end."""
        return {n["Relation Name"] for n in self.nodes if n["Node Type"] == "Seq Scan"}

    @property
    def sorted_rows(self) -> int:
        """The most rows that any sort was given."""
        sorts = [n for n in self.nodes if "Sort" in n["Node Type"]]
        return max((_rows(child) for n in sorts for child in n["Plans"]), default=0)

    @property
    def first(self) -> str:
        """What the plan reads before anything else."""
        scans = [n for n in self.nodes if "Scan" in n["Node Type"]]
        return str(scans[0].get("CTE Name", scans[0].get("Relation Name")))


def _rows(node: dict[str, Any]) -> int:
    return int(node["Actual Rows"] * node["Actual Loops"])


def _flat(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The node and all below it, as they are run; an init plan is left out, a CTE is not."""
    yield node
    for child in node.get("Plans", []):
        is_cte = child.get("Subplan Name", "").startswith("CTE ")
        if is_cte or child.get("Parent Relationship") != "InitPlan":
            yield from _flat(child)


@contextmanager
def loaded(template: str, amount: bulk.Amount, base: datetime) -> Iterator[str]:
    """The URL of a database with so many incidents; it is gone afterwards."""
    name = f"{template}_{uuid4().hex[:8]}"
    create_database(server_url(), name, template)
    url = with_database(server_url(), name)
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            bulk.prepare(connection)
            bulk.load(connection, amount, base)
        yield url
    finally:
        # Without FORCE, which may not end the autovacuum that such a load calls up.
        with psycopg.connect(server_url(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name}")


def explain(url: str, query: str, actor: UUID, arguments: list[Any], mode: str) -> Plan:
    """The plan of `query` with its $1 the actor, run once under the application's role."""
    return _explain(url, query, [str(actor), *arguments], role=APP_ROLE, mode=mode)


def explain_writing(url: str, query: str, arguments: list[Any]) -> Plan:
    """The plan of `query` under the writer's role, which plans once for whatever comes."""
    return _explain(url, query, arguments, role=WRITER_ROLE, mode="force_generic_plan")


def _explain(url: str, query: str, arguments: list[Any], *, role: str, mode: str) -> Plan:
    with psycopg.connect(url, autocommit=True, cursor_factory=ClientCursor) as connection:
        connection.execute(f"SET ROLE {role}")
        connection.execute("SET jit = off")
        connection.execute(f"SET plan_cache_mode = {mode}")
        connection.execute(f"PREPARE asked AS {query}")
        places = ", ".join(["%s"] * len(arguments))
        run = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE asked ({places})"
        # Once to warm the catalogues, whose pages are not the query's.
        connection.execute(run, arguments)
        row = connection.execute(run, arguments).fetchone()
    assert row is not None
    top = row[0][0]["Plan"]
    pages = top["Shared Hit Blocks"] + top["Shared Read Blocks"]
    return Plan(top["Actual Rows"], pages, list(_flat(top)))


def make_subject(url: str, *grants: Grant) -> Subject:
    """A new account with `grants` in the tables, as the service would load it."""
    account = uuid4()
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO account (id, login, name, kind, status, failed_logins, created_at)"
            " VALUES (%s, %s, '测试员', 'person', 'active', 0, now())",
            (account, f"t{account.hex}"),
        )
        for grant in grants:
            connection.execute(
                "INSERT INTO assignment (id, account_id, role, area_code, unit_code, valid_from,"
                " created_at) VALUES (%s, %s, %s, %s, %s, now() - interval '1 day', now())",
                (uuid4(), account, grant.role.value, grant.area, grant.unit),
            )
    return Subject(account, "t", "测试员", grants, datetime.now(UTC))


def of_every_reach(url: str) -> dict[str, Subject]:
    """Callers from a worker of three grids to the county's dispatcher, where most cases are."""
    with psycopg.connect(url) as connection:
        busiest = (
            "SELECT village_code FROM incident GROUP BY village_code ORDER BY count(*) DESC LIMIT 1"
        )
        (village,) = connection.execute(busiest).fetchone() or ("",)
        grids = connection.execute(
            "SELECT DISTINCT grid_code FROM incident WHERE village_code = %s ORDER BY 1 LIMIT 3",
            (village,),
        ).fetchall()
    county = village[:6]
    return {
        "worker": make_subject(url, *(Grant(Role.GRID_WORKER, code) for (code,) in grids)),
        "village": make_subject(url, Grant(Role.VILLAGE_DISPATCHER, village)),
        "township": make_subject(url, Grant(Role.TOWNSHIP_DISPATCHER, village[:9])),
        "county": make_subject(url, Grant(Role.COUNTY_DISPATCHER, county)),
        "unit": make_subject(url, Grant(Role.UNIT_HANDLER, county, "bench-unit-3")),
    }
