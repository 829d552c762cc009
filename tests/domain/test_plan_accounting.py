"""Nothing is dropped and nothing invented: each line of any text has its place in the parse."""

from __future__ import annotations

import contextlib
import random
import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.plan.parser import PlanParseError, Role, parse_plan, parse_plan_bytes

SAMPLE = (Path(__file__).parent / "plan_sample.txt").read_text(encoding="utf-8")
OFFICIAL = Path(__file__).parents[2].parent / "shared" / "data" / "plan.txt"
SMALL = "（一）甲。\n1.乙。\n（1）丙。\n责任单位：县民政局\n完成时限：持续推进\n"
SIGNS = {
    Role.MEASURE: "[（(][0-9]{1,2}[）)]",
    Role.TASK: "[0-9]{1,2}[.．、](?![0-9０-９])",
    Role.UNITS: "责任单位：",
    Role.DEADLINE: "完成时限：",
}


def begins_as(piece: str) -> Role | None:
    """What a piece of a line announces itself as, by a reading apart from the parser's."""
    for role, sign in SIGNS.items():
        if re.match(sign, piece):
            return role
    return None


def account(text: str) -> None:
    """Every line is covered by fragments; nothing is dropped or invented."""
    try:
        plan = parse_plan(text)
    except PlanParseError:
        return
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    covered: dict[int, list[str]] = {}
    for piece in plan.fragments:
        line = lines[piece.line - 1]
        assert line[piece.start : piece.end] == piece.text
        covered.setdefault(piece.line, []).append(piece.text)
    for number, line in enumerate(lines, start=1):
        assert "".join(covered.get(number, [])) == line.strip()
    for piece in plan.fragments:
        assert piece.role in (begins_as(piece.text), Role.UNASSIGNED) or not begins_as(piece.text)
    reported = {i.line for i in plan.irregularities if i.kind == "unassigned_line"}
    assert reported == {f.line for f in plan.fragments if f.role is Role.UNASSIGNED}
    pieces = [f.text for f in plan.fragments if f.role is Role.MEASURE]
    assert "\n".join(pieces) == "\n".join(m.raw_text for m in plan.measures)
    begun = [p for p in pieces if re.match(r"[（(]\s*[0-9０-９]{1,3}\s*[）)]", p)]
    assert len(begun) == len(plan.measures)
    if "责任单位" not in text:
        assert not any(m.leads or m.cooperating for m in plan.measures)


SAMPLE_LINES = SAMPLE.splitlines()
MANGLED = st.lists(
    st.sampled_from([*SAMPLE_LINES, "", "　", "责任单位：", "完成时限："]), max_size=60
)


@settings(deadline=None, max_examples=150)
@given(MANGLED)
def test_lines_deleted_doubled_and_shuffled_are_all_accounted_for(lines: list[str]) -> None:
    account("\n".join(lines))


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_sample_with_a_few_lines_mangled_is_accounted_for(data: st.DataObject) -> None:
    lines = list(SAMPLE_LINES)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(lines) - 1))
        lines[place : place + 1] = data.draw(
            st.sampled_from([[], [lines[place]] * 2, [lines[place][:5], lines[place][5:]]])
        )
    account("\n".join(lines))


PLAN_LIKE = st.text(
    st.sampled_from(
        "1２9一十.．、（）() ()：:，,。\n\r\t*责任单位完成时限持续推进县局《》“”％o年底20v£"
    )
)


@settings(deadline=None, max_examples=200)
@given(st.one_of(PLAN_LIKE.map(lambda t: SMALL + t), PLAN_LIKE, st.text()))
@example("1.\n（1）完成时限：")
@example("1.a\n（1）b\n完成时限：\n2031年底\n责任单位：（甲，乙")
def test_arbitrary_text_is_accounted_for_or_refused_by_name(text: str) -> None:
    account(text)


@settings(deadline=None, max_examples=60)
@given(st.binary())
def test_arbitrary_bytes_are_parsed_or_refused_by_name(data: bytes) -> None:
    with contextlib.suppress(PlanParseError):
        assert parse_plan_bytes(data).tasks


@pytest.mark.skipif(not OFFICIAL.exists(), reason="the official text is absent")
def test_every_line_of_the_official_text_is_accounted_for() -> None:
    account(OFFICIAL.read_text(encoding="utf-8"))


@pytest.mark.skipif(not OFFICIAL.exists(), reason="the official text is absent")
@settings(deadline=None, max_examples=25)
@given(st.randoms(use_true_random=False))
def test_the_official_text_with_lines_moved_lost_and_doubled_is_accounted_for(
    chance: random.Random,
) -> None:
    lines = OFFICIAL.read_text(encoding="utf-8").splitlines()
    for _ in range(20):
        line = lines.pop(chance.randrange(len(lines)))
        for _ in range(chance.choice([0, 1, 2])):
            lines.insert(chance.randrange(len(lines)), line)
    account("\n".join(lines))
