"""Cases written straight into the tables, and the figures computed from them the plain way."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from pyproj import Geod

from service.kit.ids import uuid7

Rows = psycopg.Connection[Any]
Row = dict[str, Any]
EARTH = Geod(ellps="GRS80")
CHINA = timedelta(hours=8)
MONTH = timedelta(days=30)

ADD = """
INSERT INTO incident (id, number, category_code, category_version, level, channel, description,
  occurred_at, reported_at, reporter_id, state, tier, version, head_hash, last_event_at,
  county_code, township_code, village_code, grid_code, location, raw_x, raw_y, raw_crs, cell,
  handler_ids, returns, clauses, drill)
VALUES (%(id)s, %(id)s::text, %(category)s, 1, %(level)s, %(channel)s, 'x', %(at)s, %(at)s, %(id)s,
  'reported', 1, 1, '', %(at)s, left(%(village)s, 6), left(%(village)s, 9), %(village)s,
  %(village)s || '001', ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4490), %(lon)s, %(lat)s,
  'cgcs2000', 1, '{}', 0, '{23.2}', %(drill)s)
"""
EVENT = """
INSERT INTO case_event (case_kind, case_id, seq, event, action, clauses, recorded_at, occurred_at,
  payload, prev_hash, hash)
SELECT 'incident', %(id)s::uuid, coalesce(max(seq), 0) + 1, 'incident.changed', 'change', '{23.2}',
  %(at)s, %(at)s, '{}', '', '' FROM case_event WHERE case_id = %(id)s
"""


def add(connection: Rows, at: datetime, village: str, **facts: Any) -> UUID:
    """A new case and its event."""
    values = {
        "category": "0502", "level": 3, "channel": "grid_worker", "lon": 107.86, "lat": 31.08,
        "drill": False, **facts, "id": uuid7(), "at": at, "village": village,
    }  # fmt: skip
    connection.execute(ADD, values)
    connection.execute(EVENT, values)
    made: UUID = values["id"]
    return made


def change(connection: Rows, case: UUID, at: datetime, **columns: Any) -> None:
    """New values of a case, and the event that says so."""
    sets = ", ".join(f"{name} = %({name})s" for name in columns)
    connection.execute(
        f"UPDATE incident SET {sets} WHERE id = %(case)s",  # type: ignore[arg-type]
        {**columns, "case": case},
    )
    connection.execute(EVENT, {"id": case, "at": at})


def everything(connection: Rows) -> list[Row]:
    """All cases as they stand."""
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(
            "SELECT id, village_code, category_code, level, channel, state, is_open, drill,"
            " reported_at, accepted_at, arrived_at, on_site_due, finish_due, closed_at,"
            " suspended_seconds, extensions, assignments, returns, verifications,"
            " failed_verifications, outcome, satisfaction, ST_X(location) AS lon,"
            " ST_Y(location) AS lat FROM incident"
        )
        return cursor.fetchall()


@dataclass
class Numbers:
    """Numerator and denominator by indicator, and all durations in seconds, sorted."""

    shares: dict[str, tuple[int, int]]
    durations: list[float] = field(default_factory=list)


def _counts(row: Row) -> bool:
    return row["state"] not in ("void", "merged", "rejected") and not row["drill"]


def _closed(row: Row) -> datetime | None:
    return None if row["is_open"] else row["closed_at"]


def _came_back(row: Row, rows: Iterable[Row]) -> bool:
    """Whether another of its category was reported nearby within 30 days after it was closed."""
    closed = _closed(row)
    return closed is not None and any(
        other["category_code"] == row["category_code"]
        and closed < other["reported_at"] <= closed + MONTH
        and EARTH.inv(row["lon"], row["lat"], other["lon"], other["lat"])[2] <= 100
        for other in rows
        if other["id"] != row["id"]
    )


def plainly(
    rows: list[Row], first: date, last: date, now: datetime, wanted: Callable[[Row], bool]
) -> Numbers:
    """The figures of the cases that are `wanted`, looking at every case anew."""
    counting = [row for row in rows if _counts(row)]
    chosen = [row for row in counting if wanted(row)]

    def within(moment: datetime | None) -> bool:
        return moment is not None and first <= (moment + CHINA).date() <= last

    def over(moment: datetime | None) -> bool:
        return moment is not None and moment <= now and within(moment)

    def share(of: list[Row], which: Callable[[Row], Any]) -> tuple[int, int]:
        return sum(bool(which(row)) for row in of), len(of)

    def in_time(row: Row, limit: str, *done: datetime | None) -> bool:
        return any(moment is not None and moment <= row[limit] for moment in done)

    running = [row for row in chosen if row["state"] != "suspended"]
    accepted = [row for row in chosen if within(row["accepted_at"])]
    due = [row for row in running if over(row["finish_due"])]
    closed = [row for row in chosen if within(_closed(row))]
    disputes = [
        row for row in running
        if row["category_code"].startswith("01") and row["accepted_at"] is not None
        and over(row["accepted_at"] + MONTH + timedelta(seconds=row["suspended_seconds"]))
    ]  # fmt: skip
    arrivals = [row for row in chosen if row["level"] <= 2 and over(row["on_site_due"])]
    answered = [r for r in closed if r["satisfaction"] in ("satisfied", "neutral", "dissatisfied")]
    content = ("satisfied", "neutral")
    on_time = share(due, lambda r: in_time(r, "finish_due", _closed(r)))
    return Numbers(
        {
            "on_time_closing": on_time,
            "overdue": (len(due) - on_time[0], len(due)),
            "closing": share(accepted, _closed),
            "on_time_arrival": share(
                arrivals, lambda r: in_time(r, "on_site_due", r["arrived_at"], _closed(r))
            ),
            "rework": share(
                [r for r in accepted if r["verifications"] or r["failed_verifications"]],
                lambda r: r["failed_verifications"],
            ),
            "return": share([r for r in accepted if r["assignments"]], lambda r: r["returns"]),
            "extension": share(due, lambda r: r["extensions"]),
            "repeat": share(closed, lambda r: _came_back(r, counting)),
            "dispute_resolution": share(
                disputes,
                lambda r: _closed(r) and (r["outcome"] == "agreement"
                or (r["outcome"] == "withdrawal" and r["satisfaction"] in content)),
            ),
            "satisfaction": share(answered, lambda r: r["satisfaction"] == "satisfied"),
            "answer": (len(answered), len(closed)),
            "own_discovery": share(
                [r for r in chosen if within(r["reported_at"])],
                lambda r: r["channel"] == "grid_worker",
            ),
        },
        sorted(
            (r["closed_at"] - r["reported_at"]).total_seconds() - r["suspended_seconds"]
            for r in closed
        ),
    )  # fmt: skip


def differences(found: Iterable[Row], expected: Numbers) -> list[str]:
    """Where shown indicators are not what was computed; quantiles may be 2 % off."""
    wrong = []
    by_code = {row["code"]: row for row in found}
    for code, numbers in expected.shares.items():
        shown = by_code[code]
        if (shown["numerator"], shown["denominator"]) != numbers:
            got = (shown["numerator"], shown["denominator"])
            wrong.append(f"{code}: {got} instead of {numbers}")
        value = round(numbers[0] / numbers[1], 4) if numbers[1] >= 5 else None
        if shown["value"] != value:
            wrong.append(f"{code}: value {shown['value']} instead of {value}")
    for code, share in (("duration_median", 0.5), ("duration_p90", 0.9)):
        shown, cases = by_code[code], expected.durations
        if shown["denominator"] != len(cases):
            wrong.append(f"{code}: of {shown['denominator']} instead of {len(cases)}")
        elif len(cases) >= 5:
            exact = max(cases[math.ceil(share * len(cases)) - 1], 60)
            if abs(shown["value"] - exact) > 0.02 * exact + 0.5:
                wrong.append(f"{code}: {shown['value']} instead of {exact}")
        elif shown["value"] is not None:
            wrong.append(f"{code}: {shown['value']} of too few")
    return wrong
