"""indicators: what each case adds to the figures, sums by day and month, events in commit order

A case adds to the figures as it stands. The functions say what: `gw_indicator_changes` gives, for
cases that were touched, what they added when counted last and what they add now;
`gw_indicator_entries` spreads that over days; `gw_indicator_tail` is the part of it that the job
has not counted yet, for areas of the caller and without naming a case.

Revision ID: 0066
Revises: 0065
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.types import UserDefinedType

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
CODE = sa.Text(collation="C")


class Xid8(UserDefinedType[int]):
    cache_ok = True

    def get_col_spec(self, **_options: object) -> str:
        return "xid8"


CASE = (
    "incident_id", "village_code", "category_code", "location", "block", "reported_at", "own",
    "accepted_at", "assigned", "returned", "verified", "failed", "arrival_due", "arrived_on_time",
    "due_at", "on_time", "extended", "closed_at", "duration", "answered", "satisfied",
    "dispute_over", "resolved", "repeated", "counted_at", "next_at",
)  # fmt: skip
FLAGS = {
    "own", "assigned", "returned", "verified", "failed", "arrived_on_time", "on_time", "extended",
    "answered", "satisfied", "resolved", "repeated",
}  # fmt: skip
OPTIONAL = {"accepted_at", "arrival_due", "due_at", "closed_at", "dispute_over", "next_at"}
COUNTERS = (
    "reported", "own", "accepted", "completed", "assigned", "returned", "verified", "failed",
    "arrivals_due", "arrivals_on_time", "due", "on_time", "extended", "closed", "repeated",
    "answered", "satisfied", "disputes", "resolved",
)  # fmt: skip

# Cells of 0.001 by 0.00175 degrees are at least 100 m wide south of 55 degrees north, so what
# lies within 100 m is in the same cell or one of the eight around it.
BLOCK = """
CREATE FUNCTION gw_indicator_block(place geometry) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$
  SELECT floor((ST_Y(place) + 90) / 0.001)::bigint * 1000000
    + floor((ST_X(place) + 180) / 0.00175)::bigint
$$
"""
# A logarithmic scale from one minute up: a bucket's middle is within 2 % of whatever is in it.
BUCKET = """
CREATE FUNCTION gw_duration_bucket(seconds float8) RETURNS smallint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT floor(ln(greatest(seconds, 60) / 60) / ln(1.04))::smallint $$
"""
DAY = """
CREATE FUNCTION gw_china_day(moment timestamptz) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT timezone(interval '8 hours', moment)::date $$
"""
SUM = """
CREATE FUNCTION gw_add_histograms(a bigint[], b bigint[]) RETURNS bigint[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$
  SELECT CASE WHEN b = '{}' THEN a WHEN a = '{}' THEN b ELSE coalesce((
    SELECT array_agg((s.bucket << 32) + s.cases ORDER BY s.bucket)
    FROM (SELECT (c + 2147483648) >> 32 AS bucket,
            sum(c - (((c + 2147483648) >> 32) << 32))::bigint AS cases
          FROM unnest(a || b) AS c GROUP BY 1) AS s
    WHERE s.cases <> 0), '{}') END
$$
"""
# What a touched case adds: a case that is void, merged, rejected or a drill adds nothing. A limit
# counts once it is over, and never while the case is suspended.
FRESH = """
    SELECT i.id, i.village_code, i.category_code, i.location, p.block, i.reported_at,
      i.channel = 'grid_worker', i.accepted_at, i.assignments > 0,
      i.returns > 0 AND i.assignments > 0, i.verifications > 0 OR i.failed_verifications > 0,
      i.failed_verifications > 0,
      CASE WHEN i.level <= 2 THEN i.on_site_due END,
      coalesce(least(i.arrived_at, s.closed_at) <= i.on_site_due, false),
      CASE WHEN s.suspended THEN NULL ELSE i.finish_due END,
      coalesce(s.closed_at <= i.finish_due, false), i.extensions > 0, s.closed_at,
      CASE WHEN s.closed_at IS NOT NULL THEN gw_duration_bucket(
        extract(epoch FROM s.closed_at - i.reported_at)::float8 - i.suspended_seconds) END,
      s.closed_at IS NOT NULL
        AND coalesce(i.satisfaction IN ('satisfied', 'neutral', 'dissatisfied'), false),
      s.closed_at IS NOT NULL AND coalesce(i.satisfaction = 'satisfied', false),
      CASE WHEN left(i.category_code, 2) = '01' AND NOT s.suspended THEN i.accepted_at
        + interval '720 hours' + i.suspended_seconds * interval '1 second' END,
      s.closed_at IS NOT NULL AND coalesce(i.outcome = 'agreement' OR (i.outcome = 'withdrawal'
        AND i.satisfaction IN ('satisfied', 'neutral')), false),
      false, moment, NULL::timestamptz
    FROM place p JOIN incident i ON i.id = p.id
    CROSS JOIN LATERAL (SELECT CASE WHEN NOT i.is_open THEN i.closed_at END AS closed_at,
      i.state = 'suspended' AS suspended OFFSET 0) AS s
    WHERE p.counts
"""
STEPS = "(-1000001), (-1000000), (-999999), (-1), (0), (1), (999999), (1000000), (1000001)"
NEAR = "ST_DWithin({0}.location::geography, {1}.location::geography, 100)"
AFTER = (
    "{0}.reported_at > {1}.closed_at AND {0}.reported_at <= {1}.closed_at + interval '720 hours'"
)
# A closed case is repeated when another of its category is reported within 100 m and 30 days
# after its closing. So a case that is touched concerns those that were closed near it before:
# they are judged again. Neighbours are looked up by their cell, case by case (OFFSET 0).
CHANGES = f"""
CREATE FUNCTION gw_indicator_changes(touched uuid[], moment timestamptz)
RETURNS TABLE (sign int, c indicator_case) LANGUAGE plpgsql STABLE
SET search_path = public, pg_temp AS
$$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  WITH asked AS MATERIALIZED (SELECT DISTINCT t.id FROM unnest(touched) AS t(id)),
  place AS MATERIALIZED (
    SELECT i.id, i.category_code, i.reported_at, i.location,
      gw_indicator_block(i.location) AS block,
      i.state NOT IN ('void', 'merged', 'rejected') AND NOT i.drill AS counts
    FROM asked a JOIN incident i ON i.id = a.id),
  fresh ({", ".join(CASE)}) AS MATERIALIZED ({FRESH}),
  near AS MATERIALIZED (
    SELECT DISTINCT n.incident_id FROM place p CROSS JOIN (VALUES {STEPS}) AS b(step)
    CROSS JOIN LATERAL (
      SELECT k.incident_id FROM indicator_case k
      WHERE k.category_code = p.category_code AND k.block = p.block + b.step
        AND {AFTER.format("p", "k")} AND {NEAR.format("k", "p")} OFFSET 0) AS n
    WHERE NOT EXISTS (SELECT FROM asked a WHERE a.id = n.incident_id)),
  judged AS MATERIALIZED (
    SELECT f.* FROM fresh f
    UNION ALL SELECT k.* FROM near n JOIN indicator_case k ON k.incident_id = n.incident_id),
  again AS MATERIALIZED (
    SELECT j.incident_id FROM judged j CROSS JOIN (VALUES {STEPS}) AS b(step)
    CROSS JOIN LATERAL (
      SELECT k.incident_id FROM indicator_case k
      WHERE k.category_code = j.category_code AND k.block = j.block + b.step
        AND {AFTER.format("k", "j")} AND {NEAR.format("k", "j")} OFFSET 0) AS r
    WHERE j.closed_at IS NOT NULL AND r.incident_id <> j.incident_id
      AND NOT EXISTS (SELECT FROM asked a WHERE a.id = r.incident_id)
    UNION
    SELECT j.incident_id FROM judged j CROSS JOIN (VALUES {STEPS}) AS b(step)
    JOIN fresh f ON f.category_code = j.category_code AND f.block = j.block + b.step
    WHERE f.incident_id <> j.incident_id AND {AFTER.format("f", "j")} AND {NEAR.format("f", "j")})
  SELECT -1, k FROM (SELECT a.id FROM asked a UNION ALL SELECT n.incident_id FROM near n) AS o
  JOIN indicator_case k ON k.incident_id = o.id
  UNION ALL
  SELECT 1, ROW({", ".join(f"j.{name}" for name in CASE[:-3])}, a.incident_id IS NOT NULL, moment,
    least(CASE WHEN j.arrival_due > moment THEN j.arrival_due END,
      CASE WHEN j.due_at > moment THEN j.due_at END,
      CASE WHEN j.dispute_over > moment THEN j.dispute_over END))::indicator_case
  FROM judged j LEFT JOIN again a ON a.incident_id = j.incident_id;
END
$$
"""
# Which day each fact of a case counts for, and how it counts there.
SPREAD: tuple[tuple[str, dict[str, str]], ...] = (
    ("c.reported_at", {"reported": "1", "own": "c.own::int"}),
    ("c.accepted_at", {
        "accepted": "1", "completed": "(c.closed_at IS NOT NULL)::int",
        "assigned": "c.assigned::int", "returned": "c.returned::int",
        "verified": "c.verified::int", "failed": "c.failed::int",
    }),
    ("CASE WHEN c.arrival_due <= c.counted_at THEN c.arrival_due END", {
        "arrivals_due": "1", "arrivals_on_time": "c.arrived_on_time::int",
    }),
    ("CASE WHEN c.due_at <= c.counted_at THEN c.due_at END", {
        "due": "1", "on_time": "c.on_time::int", "extended": "c.extended::int",
    }),
    ("c.closed_at", {
        "closed": "1", "repeated": "c.repeated::int", "answered": "c.answered::int",
        "satisfied": "c.satisfied::int", "bucket": "c.duration",
    }),
    ("CASE WHEN c.dispute_over <= c.counted_at THEN c.dispute_over END", {
        "disputes": "1", "resolved": "c.resolved::int",
    }),
)  # fmt: skip


def _spread(moment: str, counts: dict[str, str]) -> str:
    numbers = ", ".join(counts.get(name, "0") for name in COUNTERS)
    return f"(gw_china_day({moment}), {numbers}, {counts.get('bucket', 'NULL::smallint')})"


ENTRIES = f"""
CREATE FUNCTION gw_indicator_entries(c indicator_case)
RETURNS TABLE (day date, {", ".join(f"{name} int" for name in COUNTERS)}, bucket smallint)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$
  SELECT v.* FROM (VALUES {", ".join(_spread(*one) for one in SPREAD)}) AS v(day)
  WHERE v.day IS NOT NULL
$$
"""
# With the owner's eyes, so that a case hidden from its reader still counts; but only in areas of
# the reader, as row-level security would have it, and without saying which case.
TAIL = f"""
CREATE FUNCTION gw_indicator_tail(moment timestamptz)
RETURNS TABLE (sign int, village_code text, category_code text, day date,
  {", ".join(f"{name} int" for name in COUNTERS)}, bucket smallint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$
#variable_conflict use_column
DECLARE
  areas text[] := gw_areas();
  touched uuid[];
BEGIN
  IF areas = '{{}}' THEN
    RETURN;
  END IF;
  touched := ARRAY(
    SELECT e.case_id FROM indicator_mark m JOIN case_event e
      ON (e.xact, e.id) > (m.xact, m.event_id) AND e.case_kind = 'incident'
    UNION SELECT k.incident_id FROM indicator_case k WHERE k.next_at <= moment);
  IF touched = '{{}}' THEN
    RETURN;
  END IF;
  RETURN QUERY SELECT x.sign, (x.c).village_code, (x.c).category_code, e.*
    FROM gw_indicator_changes(touched, moment) AS x
    CROSS JOIN LATERAL gw_indicator_entries(x.c) AS e
    WHERE ARRAY[left((x.c).village_code, 6), left((x.c).village_code, 9), (x.c).village_code]
      && areas;
END
$$
"""
# How much is not counted yet, up to a limit: a reader asks before it reads all of it.
BEHIND = """
CREATE FUNCTION gw_indicators_behind(most int) RETURNS int LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS
$$
  SELECT count(*)::int FROM (
    SELECT FROM indicator_mark m JOIN case_event e ON (e.xact, e.id) > (m.xact, m.event_id)
    LIMIT most) AS b
$$
"""
FUNCTIONS = {
    "gw_indicator_block(geometry)": BLOCK,
    "gw_duration_bucket(float8)": BUCKET,
    "gw_china_day(timestamptz)": DAY,
    "gw_add_histograms(bigint[], bigint[])": SUM,
    "gw_indicator_changes(uuid[], timestamptz)": CHANGES,
    "gw_indicator_entries(indicator_case)": ENTRIES,
    "gw_indicator_tail(timestamptz)": TAIL,
    "gw_indicators_behind(int)": BEHIND,
}
ASKED = ("gw_indicator_tail(timestamptz)", "gw_indicators_behind(int)")
POLICY = """
CREATE POLICY in_scope ON indicator_figure FOR SELECT TO gridward_app USING (
  ARRAY[left(area_code, 6), left(area_code, 9), area_code] && (SELECT gw_areas()))
"""


def _case_column(name: str) -> sa.Column[object]:
    if name in FLAGS:
        return sa.Column(name, sa.Boolean(), nullable=False)
    if name.endswith("_code"):
        return sa.Column(name, CODE, nullable=False)
    special: dict[str, sa.Column[object]] = {
        "incident_id": sa.Column(name, sa.Uuid(), nullable=False),
        "location": sa.Column(name, Geometry("POINT", 4490, spatial_index=False), nullable=False),
        "block": sa.Column(name, sa.BigInteger(), nullable=False),
        "duration": sa.Column(name, sa.SmallInteger(), nullable=True),
    }
    return special.get(name, sa.Column(name, MOMENT, nullable=name in OPTIONAL))


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "indicator_case",
        *(_case_column(name) for name in CASE),
        sa.PrimaryKeyConstraint("incident_id"),
    )
    op.create_index("ix_indicator_case_block", "indicator_case", ["category_code", "block"])
    op.create_index(
        "ix_indicator_case_next_at",
        "indicator_case",
        ["next_at"],
        postgresql_where="next_at IS NOT NULL",
    )
    op.create_table(
        "indicator_figure",
        sa.Column("span", sa.Text(), nullable=False),
        sa.Column("area_code", CODE, nullable=False),
        sa.Column("category_code", CODE, nullable=False),
        sa.Column("starts", sa.Date(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in COUNTERS),
        sa.Column(
            "durations", sa.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.CheckConstraint("span IN ('day', 'month')", name="span"),
        sa.PrimaryKeyConstraint("span", "area_code", "category_code", "starts"),
    )
    op.create_table(
        "indicator_mark",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("xact", Xid8(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name="single"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute("INSERT INTO indicator_mark (id, xact, event_id) VALUES (1, '0', 0)")
    for signature, statement in FUNCTIONS.items():
        op.execute(statement)
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
    for signature in ASKED:
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO gridward_app")
    for table in ("indicator_case", "indicator_figure"):
        # Rows of the newest days change again and again.
        op.execute(f"ALTER TABLE {table} SET (fillfactor = 85)")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(POLICY)
    op.execute("GRANT SELECT ON indicator_figure TO gridward_app")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for signature in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {signature}")
    for table in ("indicator_mark", "indicator_figure", "indicator_case"):
        op.drop_table(table)
