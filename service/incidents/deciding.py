"""Decides one report or action, over snapshots, into what the gathered statement stores."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from service.areas.grid_cache import GridSnapshot
from service.auth.permissions import Permission, roles_with
from service.auth.subject import Subject
from service.errors import AppError, Forbidden, NotFound
from service.incidents import effects, rules
from service.incidents.case import IncidentCase
from service.incidents.categories.cache import CategorySnapshot
from service.incidents.facts import actor_for, category_rule
from service.incidents.opening import NewIncident, Place, open_incident
from service.incidents.present import answer
from service.incidents.together import rules as together
from service.incidents.together.errors import UnknownCase
from service.incidents.together.merging import PAIRED, check_pair
from service.incidents.together.pairing import with_master
from service.incidents.workflow import INCIDENT
from service.kit.advance import record
from service.kit.case_rows import ContactRow, Element, Link, Write
from service.kit.events import Event
from service.kit.workflow import Step

CREATED, OK = 201, 200


@dataclass(slots=True)
class ReportItem:
    """One report on its way to the statement."""

    subject: Subject
    new: NewIncident
    key: str | None
    request_hash: bytes
    contact: ContactRow | None = None


@dataclass(slots=True)
class ActItem:
    """One action on its way to the statement."""

    subject: Subject
    case_id: UUID
    command: rules.Command
    key: str | None
    request_hash: bytes

    @property
    def master_id(self) -> UUID | None:
        """The other case that the action changes too."""
        joint = self.command.joint
        return joint.other if joint and self.command.action in PAIRED else None

    @property
    def case_ids(self) -> tuple[UUID, ...]:
        """The cases that the action changes."""
        master = self.master_id
        return (self.case_id,) if master is None else (self.case_id, master)


@cache
def _roles(permission: str) -> str:
    return ",".join(roles_with(Permission(permission)))


@dataclass(frozen=True, slots=True)
class Situation:
    """What a batch is decided on: the grids and categories in force, and the clock."""

    grids: GridSnapshot
    categories: CategorySnapshot
    now: datetime


def decide_report(item: ReportItem, place: Place | AppError, number: str, on: Situation) -> Write:
    """A new incident in its grid, reported and, where asked, self-handled.

    Raises what stands instead of a place, and the failures of the category look-up and the rules.
    """
    new, category = item.new, on.categories.require(item.new.category)
    if isinstance(place, AppError):
        raise place
    case = open_incident(new, place, category, on.categories.version, number=number, now=on.now)
    actor, rule = actor_for(item.subject, case), category_rule(category)
    events, links = [_reported(item, case, on.now)], [Link(i, case.id, 1) for i in new.attachments]
    if new.self_handled_note is not None:
        events.append(_self_handled(item, case, actor, rule, on.now))
        links += [Link(i, case.id, 2) for i in new.self_handled_attachments]
    element = Element(
        case_id=case.id,
        base_version=0,
        actor=item.subject.account_id,
        roles=_roles(Permission.INCIDENT_REPORT),
        area=case.grid_code,
        anywhere=True,
        unit=None,
        key=item.key,
        request_hash=item.request_hash,
        status=CREATED,
        answer=answer(case, rules.available_actions(case, actor, rule)),
    )
    return Write(element, case, events, links, item.contact)


def _reported(item: ReportItem, case: IncidentCase, now: datetime) -> Event:
    payload: dict[str, Any] = {
        "category": case.category_code,
        "grid": case.grid_code,
        "level": case.level,
    }
    if item.new.attachments:
        payload["attachments"] = [str(i) for i in item.new.attachments]
    role = item.subject.role_in(Permission.INCIDENT_REPORT, case.grid_code)
    return _log(item, case, INCIDENT.creation, role, now, payload)


def _self_handled(
    item: ReportItem,
    case: IncidentCase,
    actor: rules.Actor,
    rule: rules.CategoryRule,
    now: datetime,
) -> Event:
    if not actor.readable:
        # One may report anywhere, but acts only where one has a part.
        raise Forbidden
    step = INCIDENT.step("self-handle")
    command = rules.Command(
        step.action,
        note=item.new.self_handled_note,
        attachments=item.new.self_handled_attachments,
    )
    rules.check(step, case, actor, command, rule)
    payload = effects.apply(step, case, actor, command, now)
    return _log(item, case, step, actor.role, now, payload)


def _log(
    item: ReportItem,
    case: IncidentCase,
    step: Step,
    role: str | None,
    now: datetime,
    payload: dict[str, Any],
) -> Event:
    return record(
        case,
        step,
        kind=INCIDENT.kind,
        actor_id=item.subject.account_id,
        role=role,
        now=now,
        occurred_at=item.new.occurred_at,
        payload=payload,
        clauses=tuple(case.clauses),
    )


def decide_act(
    item: ActItem,
    case: IncidentCase | None,
    categories: CategorySnapshot,
    now: datetime,
    master: IncidentCase | None = None,
) -> Write:
    """The case after the action, with its event; with its master where both change.

    Raises NotFound and the failures of the rules.
    """
    if case is None:
        raise NotFound
    step = INCIDENT.step(item.command.action)
    rule = category_rule(categories.by_code.get(case.category_code))
    actor = actor_for(item.subject, case)
    rules.check(step, case, actor, item.command, rule)
    on_master = _on_master(item, step, case, master)
    base_version, unit = case.version, together.acting_unit(step, case, actor, item.command)
    payload = effects.apply(step, case, actor, item.command, now)
    logged = record(
        case,
        step,
        kind=INCIDENT.kind,
        actor_id=item.subject.account_id,
        role=actor.role,
        now=now,
        occurred_at=item.command.occurred_at,
        payload=payload,
        clauses=tuple(sorted({*step.clauses, *case.clauses})),
    )
    actions = rules.available_actions(case, actor_for(item.subject, case), rule)
    text = answer(case, actions, master if case.master_id else None)
    element = _element(item, case, step, base_version=base_version, unit=unit, text=text)
    links = [Link(i, case.id, case.version) for i in item.command.attachments]
    write = Write(element, case, [logged], links)
    if master is None or on_master is None:
        return write
    return with_master(write, step.action, master, on_master, now)


def _element(
    item: ActItem, case: IncidentCase, step: Step, *, base_version: int, unit: str | None, text: str
) -> Element:
    """The wall in the statement judges the actor where the case was when it was read; `unit` is
    the one under which the actor takes the step."""
    return Element(
        case_id=case.id,
        base_version=base_version,
        actor=item.subject.account_id,
        roles=_roles(step.permission),
        area=case.grid_code,
        anywhere=False,
        unit=unit,
        key=item.key,
        request_hash=item.request_hash,
        status=OK,
        answer=text,
    )


def _on_master(
    item: ActItem, step: Step, case: IncidentCase, master: IncidentCase | None
) -> rules.Actor | None:
    """What the caller is to the other case that the step changes; None when it changes none."""
    if step.action not in PAIRED:
        return None
    if master is None or (step.action == "split-off" and case.master_id != master.id):
        raise UnknownCase(id=item.master_id, pointer="/master")
    on_master = actor_for(item.subject, master)
    check_pair(step.action, case, master, on_master)
    return on_master


def report_keys(item: ReportItem) -> tuple[Hashable, ...]:
    """The same key or id twice in one statement would find no first answer: keep them apart."""
    if item.key is None:
        return (item.new.id,)
    return (item.new.id, (item.subject.account_id, item.key))


def act_keys(item: ActItem) -> tuple[Hashable, ...]:
    """Two actions on one case, or with one key, are never decided side by side."""
    if item.key is None:
        return item.case_ids
    return (*item.case_ids, (item.subject.account_id, item.key))
