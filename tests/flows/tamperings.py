"""What somebody with the owner's rights could do to a history, and what an audit says to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from tests.flows.chains import Chain, Rows, rehash

LONG_LIFE, SHORT_LIFE, LATE_LIFE = (UUID(int=n) for n in (0xA1, 0xA2, 0xA3))
DRAWING, PLAN = UUID(int=0xB1), UUID(int=0xB2)

# Every stored column of an event, and another value for it.
CHANGES = {
    "case_kind": "'other'",
    "event": "'incident.rejected'",
    "action": "'reject'",
    "actor_id": "NULL",
    "actor_role": "'county_dispatcher'",
    "from_state": "'assigned'",
    "to_state": "'closed'",
    "clauses": "'{18.1}'",
    "recorded_at": "recorded_at + interval '1 microsecond'",
    "occurred_at": "'infinity'",
    "payload": "jsonb_set(payload, '{weight_kg}', '12.6')",
    "hash": "sha256('forged')",
    "prev_hash": "sha256('forged')",
}


@dataclass(frozen=True)
class Tampering:
    """What somebody with the owner's rights does, and what the audit says to it."""

    act: Callable[[Rows], object]
    findings: set[tuple[str, object, int | None]]


def run(*statements: str) -> Callable[[Rows], object]:
    """Run SQL in which `$LONG` and its like stand for the cases' ids."""
    names = {"$LONG": LONG_LIFE, "$SHORT": SHORT_LIFE, "$LATE": LATE_LIFE, "$DRAWING": DRAWING,
             "$PLAN": PLAN}  # fmt: skip

    def act(connection: Rows) -> None:
        for statement in statements:
            text = statement
            for name, case_id in names.items():
                text = text.replace(name, f"'{case_id}'")
            connection.execute(text)  # type: ignore[call-overload]

    return act


def add_a_step_at_the_end(connection: Rows) -> None:
    row = connection.execute(
        "SELECT seq, hash FROM case_event WHERE case_id = %s ORDER BY seq DESC LIMIT 1",
        (LATE_LIFE,),
    ).fetchone()
    assert row is not None
    forged = Chain(connection, "incident", LATE_LIFE, seq=row[0], head=row[1])
    forged.append(to_state="accepted")


def add_a_backdated_event(connection: Rows) -> None:
    row = connection.execute(
        "SELECT hash FROM case_event WHERE case_id = %s ORDER BY seq DESC LIMIT 1", (PLAN,)
    ).fetchone()
    unused = connection.execute(
        "SELECT n FROM generate_series(1, 9) n WHERE n NOT IN (SELECT id FROM case_event)"
    ).fetchone()
    assert row is not None
    assert unused is not None
    Chain(connection, "plan", PLAN, seq=1, head=row[0]).append(event_id=unused[0])


def slip_one_into_the_middle(connection: Rows) -> None:
    for seq in (4, 3):
        connection.execute(
            "UPDATE case_event SET seq = seq + 1 WHERE case_id = %s AND seq = %s", (LONG_LIFE, seq)
        )
    row = connection.execute(
        "SELECT hash FROM case_event WHERE case_id = %s AND seq = 2", (LONG_LIFE,)
    ).fetchone()
    assert row is not None
    Chain(connection, "incident", LONG_LIFE, seq=2, head=row[0]).append()


def rewrite_and_rehash(connection: Rows) -> None:
    run("UPDATE case_event SET payload = '{}' WHERE case_id = $LONG AND seq = 2")(connection)
    head = rehash(connection, LONG_LIFE)
    connection.execute("UPDATE incident SET head_hash = %s WHERE id = %s", (head, LONG_LIFE))


def swap_two_cases(connection: Rows) -> None:
    swap = "UPDATE case_event SET case_id = %s WHERE case_id = %s AND seq = 1"
    for there, here in ((UUID(int=1), SHORT_LIFE), (SHORT_LIFE, PLAN), (PLAN, UUID(int=1))):
        connection.execute(swap, (there, here))


TAMPERINGS = {
    "a middle row removed": Tampering(
        run("DELETE FROM case_event WHERE case_id = $LONG AND seq = 3"),
        {("event_missing", LONG_LIFE, 3), ("checkpoint_count", 1, None)},
    ),
    "several middle rows removed": Tampering(
        run("DELETE FROM case_event WHERE case_id = $LONG AND seq IN (2, 3)"),
        {("events_missing", LONG_LIFE, 2), ("checkpoint_count", 1, None)},
    ),
    "the first row removed": Tampering(
        run("DELETE FROM case_event WHERE case_id = $DRAWING AND seq = 1"),
        {("event_missing", DRAWING, 1), ("checkpoint_count", 1, None)},
    ),
    "the last row removed": Tampering(
        run("DELETE FROM case_event WHERE case_id = $LATE AND seq = 2"),
        {("head_differs", LATE_LIFE, 1), ("state_differs", LATE_LIFE, 1)},
    ),
    "the last row removed from a case without a row of its own": Tampering(
        run("DELETE FROM case_event WHERE case_id = $DRAWING AND seq = 3"),
        {("checkpoint_count", 2, None)},
    ),
    "all events of a case removed": Tampering(
        run("DELETE FROM case_event WHERE case_id = $LATE"),
        {("chain_missing", LATE_LIFE, None)},
    ),
    "a whole case removed, with its row": Tampering(
        run(
            "DELETE FROM case_event WHERE case_id = $SHORT",
            "DELETE FROM incident WHERE id = $SHORT",
        ),
        {("checkpoint_count", 2, None)},
    ),
    "only the row of a case removed": Tampering(
        run("DELETE FROM incident WHERE id = $LATE"),
        {("case_missing", LATE_LIFE, None)},
    ),
    "a well-hashed row added at the end": Tampering(
        add_a_step_at_the_end,
        {("head_differs", LATE_LIFE, 3)},
    ),
    "a well-hashed row added at the end, backdated": Tampering(
        add_a_backdated_event,
        {("checkpoint_count", 1, None)},
    ),
    "a row slipped into the middle": Tampering(
        slip_one_into_the_middle,
        {
            ("link_broken", LONG_LIFE, 4),
            ("event_changed", LONG_LIFE, 4),
            ("event_changed", LONG_LIFE, 5),
            ("head_differs", LONG_LIFE, 5),
            ("checkpoint_digest", 1, None),
        },
    ),
    "a chain rewritten and all its hashes computed anew": Tampering(
        rewrite_and_rehash,
        {("checkpoint_digest", 1, None)},
    ),
    "events moved between cases": Tampering(
        swap_two_cases,
        {
            ("event_changed", SHORT_LIFE, 1),
            ("event_changed", PLAN, 1),
            ("chain_missing", SHORT_LIFE, None),
            ("case_missing", PLAN, None),
            ("checkpoint_digest", 2, None),
        },
    ),
    "a state set by hand": Tampering(
        run("UPDATE incident SET state = 'closed' WHERE id = $LATE"),
        {("state_differs", LATE_LIFE, 2)},
    ),
    "a version set by hand": Tampering(
        run("UPDATE incident SET version = 9 WHERE id = $LATE"),
        {("head_differs", LATE_LIFE, 2)},
    ),
    "a checkpoint changed": Tampering(
        run("UPDATE audit_checkpoint SET digest = sha256('forged') WHERE id = 1"),
        {("checkpoint_digest", 1, None), ("checkpoint_link_broken", 2, None)},
    ),
    "a checkpoint removed": Tampering(
        run("DELETE FROM audit_checkpoint WHERE id = 1"),
        {("checkpoint_link_broken", 2, None), ("checkpoint_count", 2, None)},
    ),
    "a payload that no JSON number type holds": Tampering(
        run(
            "UPDATE case_event SET payload = to_jsonb(10::numeric ^ 400)"
            " WHERE case_id = $LATE AND seq = 1"
        ),
        {("event_changed", LATE_LIFE, 1)},
    ),
}
