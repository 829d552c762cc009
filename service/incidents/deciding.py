"""Decides one report or action, over snapshots, into what the gathered statement stores."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from service.areas.grid_cache import GridSnapshot
from service.auth.permissions import Permission, roles_with
from service.auth.subject import Subject
from service.errors import AppError, Forbidden, NotFound
from service.incidents import clockwork, effects, rules
from service.incidents.case import IncidentCase
from service.incidents.categories.cache import CategorySnapshot
from service.incidents.clockwork import Rules
from service.incidents.facts import actor_for, category_rule
from service.incidents.opening import NewIncident, Place, open_incident
from service.incidents.policies.cache import ResponseSnapshot
from service.incidents.present import answer
from service.incidents.timing import TIMED
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


@cache
def _roles(permission: str) -> str:
    return ",".join(roles_with(Permission(permission)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What cases are decided on: categories and limits in force, and the clock.

    `older` holds the versions of categories under which some of the cases began.
    """

    categories: CategorySnapshot
    response: ResponseSnapshot
    now: datetime
    older: Mapping[int, CategorySnapshot] = field(default_factory=dict)

    def limits_of(self, case: IncidentCase) -> Rules | None:
        """The limits that `case` began under; None when there was no policy then."""
        if case.policy_version is None:
            return None
        categories = self.older.get(case.category_version, self.categories)
        category = categories.by_code.get(case.category_code)
        return Rules(
            self.response,
            self.response.policy(case.policy_version),
            case.level,
            category.limits if category is not None else {},
            case.grid_code,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation(Basis):
    """What reports and actions are decided on: with the grids in force."""

    grids: GridSnapshot


def decide_report(item: ReportItem, place: Place | AppError, number: str, on: Situation) -> Write:
    """A new incident in its grid, reported and, where asked, self-handled.

    Raises what stands instead of a place, and the failures of the category look-up and the rules.
    """
    new, category = item.new, on.categories.require(item.new.category)
    if isinstance(place, AppError):
        raise place
    case = open_incident(new, place, category, on.categories.version, number=number, now=on.now)
    case.policy_version = on.response.version_at(on.now)
    actor, rule = actor_for(item.subject, case), category_rule(category)
    events, links = [_reported(item, case, on.now)], [Link(i, case.id, 1) for i in new.attachments]
    tick(case, INCIDENT.creation.action, case.tier, on)
    if new.self_handled_note is not None:
        events.append(_self_handled(item, case, actor, rule, on.now))
        links += [Link(i, case.id, 2) for i in new.self_handled_attachments]
        tick(case, "self-handle", case.tier, on)
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
        answer=answer(case, rules.available_actions(case, actor, rule, on.now)),
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


def tick(case: IncidentCase, action: str, tier_before: int, on: Basis) -> None:
    """Let the clocks follow what `action` has just made of `case`."""
    limits = on.limits_of(case)
    if limits is not None:
        clockwork.follow(case, action, tier_before, limits, on.now)


def decide_act(item: ActItem, case: IncidentCase | None, on: Basis) -> Write:
    """The case after the action, with its event. Raises NotFound and the failures of the rules."""
    if case is None:
        raise NotFound
    step = INCIDENT.step(item.command.action)
    now = on.now
    rule = category_rule(on.categories.by_code.get(case.category_code))
    actor = actor_for(item.subject, case)
    rules.check(step, case, actor, item.command, rule)
    # The wall in the statement judges the actor where the case was when it was read.
    area, unit, base_version, tier = case.grid_code, case.unit_code, case.version, case.tier
    payload = _carry_out(step, case, actor, item.command, on)
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
    tick(case, step.action, tier, on)
    after = actor_for(item.subject, case)
    element = Element(
        case_id=case.id,
        base_version=base_version,
        actor=item.subject.account_id,
        roles=_roles(step.permission),
        area=area,
        anywhere=False,
        unit=unit,
        key=item.key,
        request_hash=item.request_hash,
        status=OK,
        answer=answer(case, rules.available_actions(case, after, rule, now)),
    )
    links = [Link(i, case.id, case.version) for i in item.command.attachments]
    return Write(element, case, [logged], links)


def _carry_out(
    step: Step, case: IncidentCase, actor: rules.Actor, command: rules.Command, on: Basis
) -> dict[str, Any]:
    """Change `case` as `step` says, all but state, chain and clocks; the event's payload."""
    timed = TIMED.get(step.action)
    if timed is None:
        return effects.apply(step, case, actor, command, on.now)
    return timed(case, actor, command, on.now, on.limits_of(case)) | effects.stated(command)


def report_keys(item: ReportItem) -> tuple[Hashable, ...]:
    """The same key or id twice in one statement would find no first answer: keep them apart."""
    if item.key is None:
        return (item.new.id,)
    return (item.new.id, (item.subject.account_id, item.key))


def act_keys(item: ActItem) -> tuple[Hashable, ...]:
    """Two actions on one case, or with one key, are never decided side by side."""
    if item.key is None:
        return (item.case_id,)
    return (item.case_id, (item.subject.account_id, item.key))
