"""并案: a case follows its master, never in a chain, never silently. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from service.incidents.together.errors import (
    ConcernsDiffer,
    HasMerged,
    MasterClosed,
    MasterMerged,
    MergedIntoItself,
    UnknownCase,
)

if TYPE_CHECKING:
    from service.incidents.case import IncidentCase
    from service.incidents.rules import Actor, Command

PAIRED = frozenset({"merge", "split-off"})
# From a master that was void or rejected a case may still be split off, or it would be lost.
FINISHED = frozenset({"closed", "followed_up"})


def check_pair(action: str, case: IncidentCase, master: IncidentCase, on_master: Actor) -> None:
    """Pass when `case` may be merged into `master`, or split off from it.

    `on_master` is what the actor is to the master. Raises UnknownCase, MergedIntoItself,
    MasterMerged, MasterClosed, HasMerged, ConcernsDiffer.
    """
    if not on_master.readable:
        raise UnknownCase(id=master.id, pointer="/master")
    if master.id == case.id:
        raise MergedIntoItself(pointer="/master")
    if action == "split-off":
        if master.state in FINISHED:
            raise MasterClosed(number=master.number, state=master.state)
        return
    if case.merged_ids:
        raise HasMerged
    if master.state == "merged":
        raise MasterMerged(number=master.number, pointer="/master")
    if master.state in FINISHED | {"rejected", "void"}:
        raise MasterClosed(number=master.number, state=master.state, pointer="/master")
    if master.concerns_unit != case.concerns_unit:
        raise ConcernsDiffer(pointer="/master")


def merge(case: IncidentCase, actor: Actor, command: Command, now: datetime) -> dict[str, Any]:
    """The case follows its master and is in nobody's hands."""
    assert command.joint is not None
    case.master_id = command.joint.other
    case.unit_code = case.assignee_id = None
    return {"master": str(case.master_id)}


def split_off(case: IncidentCase, actor: Actor, command: Command, now: datetime) -> dict[str, Any]:
    """The case goes its own way again."""
    payload = {"master": str(case.master_id)}
    case.master_id = None
    return payload


def decline(case: IncidentCase, actor: Actor, command: Command, now: datetime) -> dict[str, Any]:
    """The other case is another matter: it is not proposed again."""
    assert command.joint is not None
    other = command.joint.other
    assert other is not None
    if other not in case.declined_ids:
        case.declined_ids = [*case.declined_ids, other]
    return {"duplicate": str(other)}


def follow_on_master(action: str, master: IncidentCase, case: IncidentCase) -> dict[str, Any]:
    """What the step on `case` changes in its master, and what the master's history tells."""
    if action == "merge":
        master.merged_ids = [*master.merged_ids, case.id]
    else:
        master.merged_ids = [i for i in master.merged_ids if i != case.id]
    return {"incident": str(case.id), "number": case.number}
