"""Decides one report or action, over snapshots, into what the gathered statement stores."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from service.auth.permissions import Permission, roles_with
from service.errors import AppError, Forbidden, NotFound
from service.incidents import effects, rules
from service.incidents.basis import Basis, Situation, tick
from service.incidents.case import IncidentCase
from service.incidents.facts import actor_for, category_rule
from service.incidents.items import ActItem, ReportItem
from service.incidents.opening import Place, open_incident
from service.incidents.present import answer
from service.incidents.timing import TIMED
from service.incidents.together import rules as together
from service.incidents.together.errors import UnknownCase
from service.incidents.together.merging import PAIRED, check_pair
from service.incidents.together.pairing import with_master
from service.incidents.workflow import INCIDENT
from service.kit.advance import record
from service.kit.case_rows import Element, Link, Write
from service.kit.events import Event
from service.kit.workflow import Step

CREATED, OK = 201, 200


@cache
def _roles(permission: str) -> str:
    return ",".join(roles_with(Permission(permission)))


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


def decide_act(
    item: ActItem, case: IncidentCase | None, on: Basis, master: IncidentCase | None = None
) -> Write:
    """The case after the action, with its event; with its master where both change.

    Raises NotFound and the failures of the rules.
    """
    if case is None:
        raise NotFound
    step = INCIDENT.step(item.command.action)
    now = on.now
    rule = category_rule(on.categories.by_code.get(case.category_code))
    commands = item.activation_id is not None
    actor = actor_for(item.subject, case, commands=commands)
    rules.check(step, case, actor, item.command, rule)
    on_master = _on_master(item, step, case, master)
    base_version, tier = case.version, case.tier
    unit = together.acting_unit(step, case, actor, item.command)
    payload = _carry_out(step, case, actor, item.command, on)
    payload |= {"activation": str(item.activation_id)} if commands else {}
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
    after = actor_for(item.subject, case, commands=commands)
    actions = rules.available_actions(case, after, rule, now)
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


def _carry_out(
    step: Step, case: IncidentCase, actor: rules.Actor, command: rules.Command, on: Basis
) -> dict[str, Any]:
    """Change `case` as `step` says, all but state, chain and clocks; the event's payload."""
    timed, limits = TIMED.get(step.action), on.limits_of(case)
    if limits is not None:
        command.max_returns = limits.policy.max_returns
        if step.action == "call" and command.joint is not None:
            command.joint.answer_due = limits.answer_due(on.now)
    if timed is None:
        return effects.apply(step, case, actor, command, on.now)
    return timed(case, actor, command, on.now, limits) | effects.stated(command)
