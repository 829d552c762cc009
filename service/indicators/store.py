"""All SQL of the figures: what is read, and how touched cases change the sums.

Reading adds three things in one statement: whole months, the days around them, and what the job
has not counted yet (`gw_indicator_tail`). Every level of area and category is kept, so a question
reads rows of its own level only. What the functions do stands in migration 0066.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

import asyncpg

from service.db import as_actor
from service.indicators.models import COUNTERS
from service.indicators.rules import Spans, Tally

GroupBy = Literal["township", "village", "category", "month"]
DIGITS: dict[str, int] = {"township": 9, "village": 12}
EVERY_CATEGORY = ""

_SUMS = ", ".join(f"sum(p.{name})::bigint AS {name}" for name in COUNTERS)
_KEPT = ", ".join(f"f.{name}" for name in COUNTERS)
_SIGNED = ", ".join(f"t.sign * t.{name}" for name in COUNTERS)
_LATER = "(c + 2147483648) >> 32"


def _figures(kept: str, fresh: str) -> str:
    """The statement for groups named by `kept` in a row of sums and by `fresh` in a new entry.

    $2 the areas whose rows are read, $3 the areas asked for, $4 the categories, $5 to $10 the
    months and the days before and after as [from, to), $11 now.
    """
    rows = " UNION ALL ".join(
        f"SELECT {kept} AS key, {_KEPT}, f.durations FROM indicator_figure f"
        f" WHERE f.span = '{span}' AND f.area_code = ANY ($2::text[])"
        f" AND f.category_code = ANY ($4::text[])"
        f" AND f.starts >= {first}::date AND f.starts < {end}::date"
        for span, first, end in (("month", "$5", "$6"), ("day", "$7", "$8"), ("day", "$9", "$10"))
    )
    return as_actor(f"""
WITH piece AS MATERIALIZED ({rows} UNION ALL
  SELECT {fresh}, {_SIGNED}, CASE WHEN t.bucket IS NULL THEN '{{}}'
    ELSE ARRAY[(t.bucket::bigint << 32) + t.sign] END
  FROM gw_indicator_tail($11) AS t
  WHERE EXISTS (SELECT FROM unnest($3::text[]) AS a(code) WHERE starts_with(t.village_code, a.code))
    AND ($4::text[] = '{{""}}' OR t.category_code = ANY ($4::text[]))
    AND t.day >= least($5::date, $7::date) AND t.day < greatest($8::date, $10::date)),
histogram AS (
  SELECT b.key, array_agg(b.bucket) AS buckets, array_agg(b.cases) AS cases
  FROM (SELECT p.key, {_LATER} AS bucket, sum(c - (({_LATER}) << 32))::bigint AS cases
        FROM piece p CROSS JOIN LATERAL unnest(p.durations) AS c GROUP BY 1, 2) AS b
  WHERE b.cases <> 0 GROUP BY b.key)
SELECT s.*, h.buckets, h.cases
FROM (SELECT p.key, {_SUMS} FROM piece p GROUP BY p.key) AS s
LEFT JOIN histogram h ON h.key = s.key ORDER BY s.key
""")


FIGURES: dict[GroupBy | None, str] = {
    None: _figures("''::text", "''::text"),
    "township": _figures("f.area_code", "left(t.village_code, 9)"),
    "village": _figures("f.area_code", "t.village_code"),
    "category": _figures("f.category_code", "t.category_code"),
    "month": _figures("to_char(f.starts, 'YYYY-MM')", "to_char(t.day, 'YYYY-MM')"),
}
BEHIND = "SELECT gw_indicators_behind($1)"
# Parts of areas, and categories of any version: figures of the past keep their codes.
PARTS = """
SELECT d.code, d.name FROM division d JOIN unnest($1::text[]) AS a(code)
  ON starts_with(d.code, a.code) WHERE length(d.code) = $2 ORDER BY d.code
"""
NAMES = "SELECT d.code, d.name FROM division d WHERE d.code = ANY ($1::text[])"
CATEGORIES = """
SELECT DISTINCT ON (c.code) c.code, c.name_zh FROM category c
WHERE length(c.code) = 4 AND starts_with(c.code, $1) ORDER BY c.code, c.version DESC
"""


@dataclass(frozen=True, slots=True)
class Question:
    """What figures are asked for: `rows` are the areas read, `areas` those asked for."""

    actor: UUID
    areas: list[str]
    rows: list[str]
    categories: list[str]
    spans: Spans
    group_by: GroupBy | None
    now: datetime


async def tallies(connection: asyncpg.Pool, asked: Question) -> dict[str, Tally]:
    """Counts by group, right at this moment; groups without a case are left out.

    Without grouping the only key is the empty text.
    """
    s = asked.spans
    days: tuple[date, ...] = (*s.months, *s.before, *s.after)
    rows = await connection.fetch(
        FIGURES[asked.group_by], str(asked.actor), asked.rows, asked.areas, asked.categories,
        *days, asked.now,
    )  # fmt: skip
    return {row["key"]: _tally(row) for row in rows}


def _tally(row: asyncpg.Record) -> Tally:
    histogram = zip(row["buckets"] or (), row["cases"] or (), strict=True)
    return Tally({name: row[name] for name in COUNTERS}, dict(histogram))


async def events_behind(connection: asyncpg.Pool, most: int) -> int:
    """How many events the job has not counted yet, at most `most`."""
    behind: int = await connection.fetchval(BEHIND, most)
    return behind


async def parts(connection: asyncpg.Pool, areas: Sequence[str], digits: int) -> dict[str, str]:
    """Code to name of the divisions with so many digits inside `areas`, also past ones."""
    return dict(await connection.fetch(PARTS, list(areas), digits))


async def names(connection: asyncpg.Pool, areas: Sequence[str]) -> dict[str, str]:
    """Code to name of those `areas` that are known divisions."""
    return dict(await connection.fetch(NAMES, list(areas)))


async def categories(connection: asyncpg.Pool, prefix: str) -> dict[str, str]:
    """Code to newest name of every category there ever was under `prefix`."""
    return dict(await connection.fetch(CATEGORIES, prefix))
