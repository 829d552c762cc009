"""`gridward audit`: check the event chains, make a checkpoint."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from service.commands.base import owner_connection, require_schema, settings
from service.commands.speech import language, out, refuse, say
from service.kit import clock
from service.kit.audit import Report, WritersStillRunning, make_checkpoint, verify

# The tables of cases (id, version, head_hash, state), and the case kinds that have a row there.
CASE_TABLES = {
    "activation": ("activation", "drill"),
    "dispatch_approval": ("dispatch_approval",),
    "incident": ("incident",),
}
DIGEST_BYTES = 32

audit = typer.Typer(no_args_is_help=True, help="Check the event chains; make a checkpoint.")


@audit.command("verify")
def verify_chains(
    case: Annotated[UUID | None, typer.Option(help="Check this case only.")] = None,
    anchor: Annotated[
        list[str] | None,
        typer.Option(help="CHECKPOINT:DIGEST (hex) that was kept elsewhere; repeatable."),
    ] = None,
) -> None:
    """Find changed, removed and inserted events. Exit code 1 when there is any finding."""
    chosen, anchors = settings(), _anchors(anchor or [])
    require_schema(chosen)
    with owner_connection(chosen) as connection:
        report = verify(connection, case_tables=CASE_TABLES, case_id=case, anchors=anchors)
    _show(report)
    if not report.clean:
        raise typer.Exit(1)


@audit.command("checkpoint")
def checkpoint() -> None:
    """Chain a digest over all new events; keep the line that it prints outside the database."""
    chosen = settings()
    require_schema(chosen)
    try:
        with owner_connection(chosen) as connection:
            made = make_checkpoint(connection, clock.now())
    except WritersStillRunning:
        refuse(
            "仍有长事务在写事件，未做检查点，请稍后再试",
            "a long transaction is still writing events; no checkpoint was made, try again later",
        )
    if made is None:
        say("没有新事件，无需检查点", "no new events: no checkpoint is needed")
        return
    say(
        f"检查点 {made.id}：{made.event_count} 条事件，至编号 {made.up_to_event_id}",
        f"checkpoint {made.id}: {made.event_count} events, up to id {made.up_to_event_id}",
    )
    out.print(f"{made.id}:{made.digest.hex()}", markup=False)


def _anchors(given: list[str]) -> dict[int, bytes]:
    found = {}
    for text in given:
        number, _, digest = text.partition(":")
        try:
            found[int(number)] = bytes.fromhex(digest)
        except ValueError:
            raise typer.BadParameter(f"{text}: CHECKPOINT:DIGEST in hex") from None
        if len(found[int(number)]) != DIGEST_BYTES:
            raise typer.BadParameter(f"{text}: a digest has {DIGEST_BYTES} bytes")
    return found


def _show(report: Report) -> None:
    say(
        f"已核对 {report.cases} 个案件、{report.events} 条事件、{report.checkpoints} 个检查点",
        f"checked {report.cases} cases, {report.events} events, {report.checkpoints} checkpoints",
    )
    if report.clean:
        say("未发现问题", "nothing is wrong")
        return
    # One line a finding, never folded: an id is there to be copied.
    for finding in report.findings:
        place = f"{finding.case_id or '–'} {'–' if finding.seq is None else finding.seq}"
        out.print(f"{place}  {finding.text(language())}", soft_wrap=True, markup=False)
    say(f"共 {report.found} 处", f"{report.found} findings")
