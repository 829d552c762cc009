"""From segments to the outline: sections, tasks, measures, and a place for every line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from service.plan.parsing.findings import excerpt, finding
from service.plan.parsing.lines import PAGE_NUMBER, Kind, Segment, usual_head
from service.plan.parsing.outline import Block, MeasureBlock, Outline, TaskBlock
from service.plan.parsing.shapes import Fragment, Role
from service.plan.parsing.units import goes_on

JOINT = 12
SENTENCE_END = "。！？；：…”』」"

REASONS = {
    "front": ("numbered before the tasks begin", "位于任务部分之前"),
    "back": ("in a chapter without tasks", "所在章节没有任务"),
    "no_task": ("no task above it", "上文没有任务"),
    "no_measure": ("no measure above it", "上文没有举措"),
    "second": ("the measure above has one already", "上一条举措已有此项"),
    "after": ("what stands above is complete", "上文已经完整"),
    "loose": ("nothing above it takes it up", "上文没有可归入的条目"),
    "page": ("looks like a page number", "疑为页码"),
}


def zones(segments: list[Segment]) -> list[str]:
    """`front`, `main` or `back` for each segment.

    Main are the chapters that hold tasks with measures, or tasks alone where no chapter has both;
    numbered principles before them are no sections of the plan.
    """
    chapter_of: list[int] = []
    kinds: dict[int, set[Kind]] = {0: set()}
    current = 0
    for segment in segments:
        current += segment.kind is Kind.CHAPTER
        chapter_of.append(current)
        kinds.setdefault(current, set()).add(segment.kind)
    main = {c for c, seen in kinds.items() if {Kind.TASK, Kind.MEASURE} <= seen}
    main = main or {c for c, seen in kinds.items() if Kind.TASK in seen}
    first = min(main, default=0)
    return ["main" if c in main else "front" if c < first else "back" for c in chapter_of]


@dataclass(slots=True)
class Assembler:
    """Takes segments in order and puts each into the outline or among the unassigned."""

    outline: Outline = field(default_factory=Outline)
    begun: bool = False
    section: Block | None = None
    task: TaskBlock | None = None
    measure: MeasureBlock | None = None
    open: Block | None = None
    unassigned: Counter[tuple[int, str]] = field(default_factory=Counter)
    first_unassigned: dict[tuple[int, str], str] = field(default_factory=dict)

    def run(self, segments: list[Segment]) -> Outline:
        """The outline of `segments`; each of them is in it as exactly one fragment."""
        for segment, zone in zip(segments, zones(segments), strict=True):
            if zone == "main":
                self._main(segment)
            elif zone == "front":
                self._front(segment)
            else:
                self._unassigned(segment, "back")
        self._report_unassigned()
        return self.outline

    def _front(self, segment: Segment) -> None:
        if segment.kind in (Kind.TEXT, Kind.CHAPTER, Kind.SECTION):
            self._preamble(segment)
        else:
            self._unassigned(segment, "front")

    def _main(self, segment: Segment) -> None:
        match segment.kind:
            case Kind.CHAPTER:
                self._chapter(segment)
            case Kind.SECTION:
                self._section(segment)
            case Kind.TASK:
                self._task(segment)
            case Kind.MEASURE:
                self._measure(segment)
            case Kind.UNITS | Kind.DEADLINE:
                self._labelled(segment)
            case Kind.TEXT:
                self._text(segment)

    def _fragment(self, segment: Segment, role: Role, ref: str = "") -> None:
        end = segment.start + len(segment.text)
        self.outline.fragments.append(
            Fragment(segment.line, segment.start, end, segment.text, role, ref)
        )

    def _preamble(self, segment: Segment) -> None:
        self._fragment(segment, Role.PREAMBLE)
        self.outline.preamble.append(segment.text)

    def _unassigned(self, segment: Segment, reason: str) -> None:
        self._fragment(segment, Role.UNASSIGNED)
        key = (segment.line, reason)
        self.unassigned[key] += 1
        self.first_unassigned.setdefault(key, segment.text)

    def _report_unassigned(self) -> None:
        for (line, reason), count in self.unassigned.items():
            english, chinese = REASONS[reason]
            shown = excerpt(self.first_unassigned[line, reason])
            self.outline.findings.append(
                finding(
                    "unassigned_line",
                    line=line,
                    count=count,
                    reason_en=english,
                    reason_zh=chinese,
                    text=shown,
                )
            )

    def _begin(self, segment: Segment, role: Role, ref: str) -> Block:
        block = Block(role, ref, segment.number, segment.line)
        block.add(segment.line, segment.text, segment.body)
        self._fragment(segment, role, ref)
        self.open, self.begun = block, True
        usual = usual_head(segment)
        if segment.head.strip() != usual:
            self.outline.findings.append(
                finding(
                    "odd_heading",
                    line=segment.line,
                    ref=ref,
                    text=segment.head.strip(),
                    usual=usual,
                )
            )
        return block

    def _chapter(self, segment: Segment) -> None:
        if not self.begun:
            self._preamble(segment)
            return
        self._fragment(segment, Role.CHAPTER)
        self.section = self.task = self.measure = self.open = None

    def _section(self, segment: Segment) -> None:
        numeral = segment.head.strip("（()） \t\u3000")
        self.section = self._begin(segment, Role.SECTION, numeral)
        self.outline.sections.append(self.section)
        self.task = self.measure = None

    def _task(self, segment: Segment) -> None:
        body = self._begin(segment, Role.TASK, str(segment.number))
        self.task = TaskBlock(body, self.section.number if self.section else None)
        self.measure = None
        self.outline.tasks.append(self.task)

    def _measure(self, segment: Segment) -> None:
        if self.task is None:
            self.open = None
            self._unassigned(segment, "no_task")
            return
        task = self.task.body.number
        body = self._begin(segment, Role.MEASURE, f"{task}.{segment.number}")
        self.measure = MeasureBlock(body, task, self.task.section)
        self.task.measures.append(self.measure)

    def _labelled(self, segment: Segment) -> None:
        units = segment.kind is Kind.UNITS
        if self.measure is None:
            self.open = None
            self._unassigned(segment, "no_measure")
        elif (self.measure.units if units else self.measure.deadline) is not None:
            self.open = None
            self._unassigned(segment, "second")
        else:
            role = Role.UNITS if units else Role.DEADLINE
            block = self._begin(segment, role, self.measure.body.ref)
            if units:
                self.measure.units = block
            else:
                self.measure.deadline = block

    def _text(self, segment: Segment) -> None:
        if self.open is None and not self.begun:
            self._preamble(segment)
        elif PAGE_NUMBER.fullmatch(segment.text):
            self._unassigned(segment, "page")
        elif self.open is None:
            self._unassigned(segment, "loose")
        elif not self._may_continue(self.open, segment.text):
            self._unassigned(segment, "after")
        else:
            self._continue(self.open, segment)

    def _may_continue(self, block: Block, text: str) -> bool:
        match block.role:
            case Role.UNITS:
                return goes_on(block.last, block.open_brackets, text)
            case Role.DEADLINE:
                return not block.last
            case Role.SECTION:
                return not block.last or block.last not in SENTENCE_END
            case _:
                return True

    def _continue(self, block: Block, segment: Segment) -> None:
        line, ref, shown = segment.line, block.ref, excerpt(segment.text)
        if block.last and block.last in SENTENCE_END and block.role is not Role.UNITS:
            told = finding("extra_paragraph", line=line, ref=ref, text=shown)
        else:
            before = block.parts[-1][-JOINT:]
            told = finding("broken_line", line=line, ref=ref, before=before, after=shown[:JOINT])
        self.outline.findings.append(told)
        block.add(segment.line, segment.text, segment.text)
        self._fragment(segment, block.role, block.ref)
