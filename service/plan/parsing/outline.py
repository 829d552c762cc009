"""The outline of a plan while it is being gathered, before it becomes a ParsedPlan."""

from __future__ import annotations

from dataclasses import dataclass, field

from service.plan.parsing.shapes import Fragment, Irregularity, Role


@dataclass(slots=True)
class Block:
    """One item of the outline, gathered from one line or more."""

    role: Role
    ref: str
    number: int
    line: int
    lines: list[tuple[int, str]] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    last: str = ""
    open_brackets: int = 0

    def add(self, line: int, raw: str, part: str) -> None:
        """Take in what stands on `line`: as written, and without its number or label."""
        self.lines.append((line, raw))
        self.parts.append(part)
        self.last = part[-1:] or self.last
        self.open_brackets += part.count("（") + part.count("(")
        self.open_brackets -= part.count("）") + part.count(")")

    @property
    def text(self) -> str:
        """The lines of this block rejoined, without number and label."""
        return "".join(self.parts)

    @property
    def raw_text(self) -> str:
        """The lines of this block as written."""
        return "\n".join(raw for _, raw in self.lines)


@dataclass(slots=True)
class MeasureBlock:
    """A measure with the blocks that belong to it."""

    body: Block
    task: int
    section: int | None
    units: Block | None = None
    deadline: Block | None = None


@dataclass(slots=True)
class TaskBlock:
    """A task and the section it stands in."""

    body: Block
    section: int | None
    measures: list[MeasureBlock] = field(default_factory=list)


@dataclass(slots=True)
class Outline:
    """Everything found, in the order of the text."""

    preamble: list[str] = field(default_factory=list)
    sections: list[Block] = field(default_factory=list)
    tasks: list[TaskBlock] = field(default_factory=list)
    fragments: list[Fragment] = field(default_factory=list)
    findings: list[Irregularity] = field(default_factory=list)

    @property
    def measures(self) -> list[MeasureBlock]:
        """The measures of all tasks."""
        return [measure for task in self.tasks for measure in task.measures]

    @property
    def blocks(self) -> list[Block]:
        """Sections, tasks, measures, units and deadlines as blocks of text."""
        found = [*self.sections, *(task.body for task in self.tasks)]
        for measure in self.measures:
            found.append(measure.body)
            found.extend(block for block in (measure.units, measure.deadline) if block)
        return found
