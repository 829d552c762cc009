"""Turns samples into figures: medians, ratios to plain SQL, aims met or not; as table and JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.machine import is_durable
from tests.bench.measure import Aim, Measure
from tests.bench.sample import Result, Sample, result_of


@dataclass(frozen=True)
class Outcome:
    """One measurement with the median of every side."""

    measure: Measure
    results: dict[str, Result]

    def ratios(self, label: str) -> dict[str, float]:
        """The rate of a side of the service, as a share of each side of plain SQL."""
        own = self.results[label].per_second
        limits = (s.label for s in self.measure.sides if not s.is_service)
        return {limit: own / self.results[limit].per_second for limit in limits}

    def verdict(self, aim: Aim) -> tuple[str, bool] | None:
        """What the aim says and whether it is met; None when its side was not measured."""
        if aim.side not in self.results or (aim.limit and aim.limit not in self.results):
            return None
        found = self.results[aim.side]
        if aim.most_change is not None and aim.limit:
            change = self.results[aim.limit].per_second / found.per_second - 1
            met = change < aim.most_change
            return f"time {change:+.0%}, aim < {aim.most_change:+.0%}", met
        least = aim.least or 0
        if aim.limit is None:
            return f"≥ {least:,.0f}/s", found.per_second >= least
        ratio = found.per_second / self.results[aim.limit].per_second
        return f"{ratio:.2f} ≥ {least} {aim.limit}", ratio >= least

    def as_json(self) -> dict[str, Any]:
        """For the JSON file."""
        sides = [
            {
                "label": side.label,
                "service": side.is_service,
                "connections": side.connections,
                **self.results[side.label].as_json(),
                "ratios": {k: round(v, 3) for k, v in self.ratios(side.label).items()}
                if side.is_service
                else {},
            }
            for side in self.measure.sides
        ]
        verdicts = [(aim, self.verdict(aim)) for aim in self.measure.aims]
        aims = [
            {"side": aim.side, "limit": aim.limit, "says": found[0], "met": found[1]}
            for aim, found in verdicts
            if found
        ]
        return {"name": self.measure.name, "unit": self.measure.unit, "sides": sides, "aims": aims}


def outcome_of(measure: Measure, samples: dict[str, list[Sample]]) -> Outcome:
    """The medians over all rounds."""
    return Outcome(measure, {label: result_of(found) for label, found in samples.items()})


def show(console: Console, outcome: Outcome) -> None:
    """Print one measurement as a table."""
    measure = outcome.measure
    limits = [s.label for s in measure.sides if not s.is_service]
    table = Table(title=measure.title, title_justify="left", title_style="bold")
    table.add_column("side")
    for heading in (f"{measure.unit}/s", "of rounds", "p50 ms", "p99 ms"):
        table.add_column(heading, justify="right", no_wrap=True)
    for limit in limits:
        table.add_column(f"of {limit}", justify="right")
    table.add_column("aim")
    for side in measure.sides:
        found = outcome.results[side.label]
        ratios = outcome.ratios(side.label) if side.is_service else {}
        verdicts = [outcome.verdict(aim) for aim in measure.aims if aim.side == side.label]
        table.add_row(
            side.label,
            f"{found.per_second:,.0f}",
            f"{found.lowest:,.0f}–{found.highest:,.0f}",
            f"{found.p50_ms:.2f}",
            f"{found.p99_ms:.2f}",
            *(f"{ratios[limit]:.2f}" if limit in ratios else "" for limit in limits),
            "\n".join(f"{v[0]}: {'met' if v[1] else 'NOT MET'}" for v in verdicts if v),
        )
    console.print(table)
    for note in measure.notes:
        console.print(f"  {note}", highlight=False)


def show_machine(console: Console, facts: dict[str, Any]) -> None:
    """Print what the figures were measured on."""
    packages = ", ".join(f"{k} {v}" for k, v in facts["packages"].items())
    settings = ", ".join(f"{k}={v}" for k, v in facts["settings"].items())
    for line in (
        f"{facts['processor']}, {facts['cores']} cores, {facts['memory_gb']} GB",
        f"load before the run {facts['load_before']}",
        f"{facts['system']}, Python {facts['python']}; {packages}",
        f"{facts['postgresql']}, PostGIS {facts['postgis']}; {settings}",
        f"{facts['pgbench']}; {facts['client']}",
    ):
        console.print(line, highlight=False, soft_wrap=True)
    if not is_durable(facts):
        console.print("The server does not wait for the disk: figures of writes do not count.")
