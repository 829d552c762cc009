"""Checks every chain, every case's head and every checkpoint against what is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection, sql

from service.kit.audit.findings import Finding, Report
from service.kit.audit.rows import digest_of_range, stream, value_of
from service.kit.events import GENESIS, Event

ONE_MOMENT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
BLIND = "SELECT row_security_active('case_event')"
# Times that no clock of ours gives (infinity, before Christ) come as NULL and fit no hash.
CHAINS = """
SELECT case_kind, case_id, seq, event, action, actor_id, actor_role, from_state, to_state, clauses,
  CASE WHEN recorded_at BETWEEN '0002-01-01' AND '9998-01-01' THEN recorded_at END,
  CASE WHEN occurred_at BETWEEN '0002-01-01' AND '9998-01-01' THEN occurred_at END,
  payload::text, prev_hash, hash
FROM case_event WHERE %s::uuid IS NULL OR case_id = %s ORDER BY case_id, seq
"""
HEADS = """
SELECT coalesce(chain.case_id, head.id), chain.seq, head.version, chain.hash = head.head_hash,
  chain.to_state, head.state
FROM (SELECT case_id, max(seq) AS seq, (array_agg(hash ORDER BY seq DESC))[1] AS hash,
        (array_agg(to_state ORDER BY seq DESC) FILTER (WHERE to_state IS NOT NULL))[1] AS to_state
      FROM case_event WHERE case_kind = ANY(%s) AND (%s::uuid IS NULL OR case_id = %s)
      GROUP BY case_id) AS chain
FULL JOIN (SELECT id, version, head_hash, state FROM {table}
           WHERE %s::uuid IS NULL OR id = %s) AS head ON head.id = chain.case_id
WHERE chain.seq IS DISTINCT FROM head.version OR chain.hash IS DISTINCT FROM head.head_hash
  OR chain.to_state IS DISTINCT FROM head.state
"""
CHECKPOINTS = """
SELECT id, up_to_event_id, event_count, prev_digest, digest FROM audit_checkpoint
ORDER BY up_to_event_id
"""


class AuditBlind(Exception):
    """The connection is under row-level security: it would call unseen rows removed."""


def verify(
    connection: Connection[Any],
    *,
    case_tables: Mapping[str, Sequence[str]],
    case_id: UUID | None = None,
    anchors: Mapping[int, bytes] | None = None,
) -> Report:
    """Recompute chains, heads and checkpoints as of one moment, beside running writers.

    `connection` is the owner's, outside a transaction. `case_tables` names each table of cases
    (with id, version, head_hash, state) and the case kinds in it. With `case_id` only that case is
    checked, without checkpoints. `anchors` are digests of checkpoints that were kept elsewhere.
    Raises AuditBlind.
    """
    report = Report()
    with connection.transaction():
        connection.execute(ONE_MOMENT)
        if value_of(connection, BLIND):
            raise AuditBlind("the audit needs the owner's connection")
        _check_chains(connection, case_id, report)
        for table, kinds in case_tables.items():
            _check_heads(connection, table, kinds, case_id, report)
        if case_id is None:
            _check_checkpoints(connection, dict(anchors or {}), report)
    return report


def _check_chains(connection: Connection[Any], case_id: UUID | None, report: Report) -> None:
    current, last, head = None, 0, GENESIS
    for row in stream(connection, CHAINS, (case_id, case_id)):
        case, seq, previous, stored = row[1], row[2], row[-2], row[-1]
        if case != current:
            current, last, head = case, 0, GENESIS
            report.cases += 1
        report.events += 1
        if seq > last + 1:
            what = "event_missing" if seq == last + 2 else "events_missing"
            report.add(Finding(what, case, last + 1, values={"last": seq - 1}))
        elif previous != head or seq < 1:
            report.add(Finding("link_broken", case, seq))
        if _digest(row) != stored:
            report.add(Finding("event_changed", case, seq))
        last, head = seq, stored


def _digest(row: tuple[Any, ...]) -> bytes | None:
    """The hash that the stored columns have; None when they cannot come from an event."""
    if None in (row[9], row[10], row[11]):
        return None
    try:
        values = (*row[:9], tuple(row[9]), row[10], row[11], msgspec.json.decode(row[12]))
        return Event(*values).digest(row[13])
    except (msgspec.MsgspecError, OverflowError, ValueError):
        return None


def _check_heads(
    connection: Connection[Any],
    table: str,
    kinds: Sequence[str],
    case_id: UUID | None,
    report: Report,
) -> None:
    query = sql.SQL(HEADS).format(table=sql.Identifier(table))
    arguments = (list(kinds), case_id, case_id, case_id, case_id)
    for case, seq, version, same_hash, to_state, state in stream(connection, query, arguments):
        if seq is None:
            report.add(Finding("chain_missing", case))
        elif version is None:
            report.add(Finding("case_missing", case))
        elif seq != version or not same_hash:
            report.add(Finding("head_differs", case, seq, values={"version": version}))
        if seq is not None and version is not None and to_state != state:
            values = {"state": state, "to_state": to_state}
            report.add(Finding("state_differs", case, seq, values=values))


def _check_checkpoints(
    connection: Connection[Any], anchors: dict[int, bytes], report: Report
) -> None:
    after, expected = 0, GENESIS
    for number, up_to, count, previous, digest in stream(connection, CHECKPOINTS):
        report.checkpoints += 1
        if previous != expected:
            report.add(Finding("checkpoint_link_broken", checkpoint=number))
        if anchors.pop(number, digest) != digest:
            report.add(Finding("anchor_differs", checkpoint=number))
        found_digest, found = digest_of_range(connection, after, up_to, previous)
        values = {"first": after + 1, "last": up_to, "expected": count, "found": found}
        if found != count:
            report.add(Finding("checkpoint_count", checkpoint=number, values=values))
        elif found_digest != digest:
            report.add(Finding("checkpoint_digest", checkpoint=number, values=values))
        after, expected = up_to, digest
    for number in anchors:
        report.add(Finding("anchor_missing", checkpoint=number))
