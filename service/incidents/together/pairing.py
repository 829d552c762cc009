"""A step that changes two cases at once: the case and its master, both or neither."""

from __future__ import annotations

from datetime import datetime

import msgspec

from service.incidents.case import IncidentCase
from service.incidents.rules import Actor
from service.incidents.together import merging
from service.incidents.together.workflow import ABSORB, RELEASE
from service.kit.advance import record
from service.kit.case_rows import Write

ON_MASTER = {"merge": ABSORB, "split-off": RELEASE}


def with_master(
    write: Write, action: str, master: IncidentCase, on_master: Actor, now: datetime
) -> Write:
    """`write` of a case with the write of its master, which tells what happened to it.

    The master keeps its state and gets an event; both elements name each other.
    """
    base_version = master.version
    payload = merging.follow_on_master(action, master, write.case)
    event = record(
        master,
        ON_MASTER[action],
        kind=write.events[0].case_kind,
        actor_id=on_master.account_id,
        role=on_master.role,
        now=now,
        payload=payload,
        clauses=tuple(sorted({*ON_MASTER[action].clauses, *master.clauses})),
    )
    element = msgspec.structs.replace(write.element, pair=master.id)
    beside = msgspec.structs.replace(
        element, case_id=master.id, base_version=base_version, area=master.grid_code, unit=None,
        pair=element.case_id,
    )  # fmt: skip
    return Write(element, write.case, write.events, write.links,
                 partner=Write(beside, master, [event]))  # fmt: skip
