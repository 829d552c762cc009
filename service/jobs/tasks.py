"""Every job that the worker knows. A room adds its own here: a name, a function, a schedule.

A job is `async def work(upkeep, **payload)`. With a schedule it runs once a tick however many
workers there are; without one it runs when a room enqueues its name. Schedules are cron lines in
UTC (18:00 UTC is 02:00 in China).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from service.attachments.files import Files
from service.attachments.retention import purge_orphans
from service.auth.login_store import purge_refresh_tokens
from service.config import Settings
from service.duties.actions import expire_approvals
from service.emergency.retention import purge_tracks
from service.incidents.sweeping import Sweep
from service.indicators.counting import count_indicators
from service.jobs.upkeep import (
    Upkeep,
    forget_failed_jobs,
    make_audit_checkpoint,
    purge,
    purge_replays,
    rescue_jobs,
)
from service.kit import clock
from service.kit.audit import WritersStillRunning
from service.plan.evidence import refresh_evidence

MINUTES_PER_HOUR = 60
LONGEST_HOURS = 24
# Every ten seconds: the shortest limit is five minutes.
SWEEP = "* * * * * */10"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of job: its name in the queue, its work and, when it is periodic, its schedule."""

    name: str
    work: Callable[..., Awaitable[None]]
    cron: str | None = None


def every(minutes: int) -> str:
    """A cron line that fires at least every so many minutes (1 to 1,440)."""
    if minutes < MINUTES_PER_HOUR:
        return f"*/{minutes} * * * *"
    hours = min(minutes // MINUTES_PER_HOUR, LONGEST_HOURS)
    return "0 0 * * *" if hours == LONGEST_HOURS else f"0 */{hours} * * *"


async def purge_files(upkeep: Upkeep) -> None:
    """Delete files that nobody linked to a case in time, and stored objects without a row."""
    purged = await purge_orphans(upkeep.db, Files.from_settings(upkeep.settings), clock.now())
    if purged.rows or purged.objects:
        log.info("purged", what="attachment", rows=purged.rows, objects=purged.objects)


async def count_plan_evidence(upkeep: Upkeep) -> None:
    """Add the newest events to the counts of evidence by clause."""
    try:
        async with upkeep.owner.acquire() as connection:
            await refresh_evidence(connection)
    except WritersStillRunning as waiting:
        log.warning("plan_evidence_postponed", reason=str(waiting))


async def count_figures(upkeep: Upkeep) -> None:
    """Bring the sums of the indicators up to the newest events and the limits that ended."""
    async with upkeep.owner.acquire() as connection:
        await count_indicators(connection, clock.now())


async def purge_expired_logins(upkeep: Upkeep) -> None:
    """Delete refresh tokens that have expired."""
    await purge(upkeep, "refresh_token", purge_refresh_tokens)


async def sweep_limits(upkeep: Upkeep) -> None:
    """Warn, mark overdue, escalate and open supervision where a limit was reached."""
    swept = await Sweep(upkeep.db).run()
    if swept.cases:
        log.info("limits_swept", cases=swept.cases, events=swept.events)


async def expire_dispatch_approvals(upkeep: Upkeep) -> None:
    """Mark out-of-list dispatch approvals whose time is over."""
    if expired := await expire_approvals(upkeep.owner):
        log.info("expired", what="dispatch_approval", rows=expired)


async def purge_old_tracks(upkeep: Upkeep) -> None:
    """Delete where workers were in emergencies that ended 30 days ago."""
    await purge(upkeep, "track_point", purge_tracks)


def jobs(settings: Settings) -> tuple[Job, ...]:
    """All jobs of a deployment with these settings."""
    return (
        Job("audit.checkpoint", make_audit_checkpoint, every(settings.checkpoint_minutes)),
        Job("jobs.rescue", rescue_jobs, every(1)),
        Job("jobs.forget_failed", forget_failed_jobs, "5 18 * * *"),
        Job("idempotency.purge", purge_replays, "15 18 * * *"),
        Job("auth.purge_refresh_tokens", purge_expired_logins, "25 18 * * *"),
        Job("attachments.purge_orphans", purge_files, "35 18 * * *"),
        Job("duties.expire_approvals", expire_dispatch_approvals, every(15)),
        Job("emergency.purge_tracks", purge_old_tracks, "45 18 * * *"),
        Job("plan.count_evidence", count_plan_evidence, every(1)),
        Job("incidents.sweep_limits", sweep_limits, SWEEP),
        Job("indicators.count", count_figures, every(1)),
    )
