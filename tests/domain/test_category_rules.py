"""Rules of category trees: the notation of limits, the default tree, what stops a publication."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.incidents.categories.messages import MESSAGES
from service.incidents.categories.rules import Entry, Finding, Meaning, findings
from service.incidents.categories.seed import default_tree
from service.kit.drafts import errors_of
from service.kit.durations import BadDuration, DurationUnit, parse_duration

GROUP = Entry("06", "环境卫生", "Cleanliness")
RUBBISH = Entry(
    "0601", "暴露垃圾", "Exposed rubbish", level=3, limits={"finish": "4wh"}, clauses=("23.2",)
)
TREE = (GROUP, RUBBISH)


def codes(found: tuple[Finding, ...]) -> set[tuple[str, str, str]]:
    return {(f.severity, f.category, f.code) for f in found}


@pytest.mark.parametrize("unit", list(DurationUnit))
@settings(deadline=None)
@given(count=st.integers(1, 999))
def test_a_duration_reads_back_as_it_was_written(unit: DurationUnit, count: int) -> None:
    duration = parse_duration(f"{count}{unit.value}")
    assert (duration.count, duration.unit, str(duration)) == (count, unit, f"{count}{unit.value}")


@pytest.mark.parametrize(
    "text",
    ["", "4", "wh", "0d", "04h", "-4h", "+4h", "4 h", "4H", "1000d", "4w", "4.5h", "4h ", "４h",
     "4dd", "4h\n"],
)  # fmt: skip
def test_what_is_not_a_duration_is_refused(text: str) -> None:
    with pytest.raises(BadDuration) as caught:
        parse_duration(text)
    assert caught.value.given == text


def test_only_work_hours_and_work_days_ask_the_calendar() -> None:
    assert {u.value for u in DurationUnit if u.by_calendar} == {"wh", "wd"}


def test_the_default_tree_can_be_published_without_a_remark() -> None:
    assert findings(default_tree(), {}) == ()


def test_the_default_tree_has_twelve_groups_of_five() -> None:
    groups = [e.code for e in default_tree() if e.is_group]
    assert groups == [f"{n:02}" for n in range(1, 13)]
    for group in groups:
        inside = [e.code for e in default_tree() if not e.is_group and e.code[:2] == group]
        assert inside == [f"{group}{n:02}" for n in range(1, 6)]


@pytest.mark.parametrize(
    ("code", "level", "limits"),
    [
        ("0101", 3, {"finish": "30d"}),
        ("0104", 3, {"finish": "15wd"}),
        ("0105", 2, {"finish": "30d"}),
        ("0301", 1, {}),
        ("0305", 2, {"finish": "3d"}),
        ("0502", 2, {"cordon": "2h"}),
        ("0504", 4, {}),
        ("0601", 3, {"finish": "4wh"}),
        ("0604", 2, {"finish": "2h"}),
        ("0901", 3, {"stop": "4wh", "fine": "7wd", "demolish": "20wd"}),
        ("1104", 1, {}),
        ("1203", 4, {}),
        ("1205", 3, {}),
    ],
)
def test_the_default_tree_has_the_levels_and_limits_of_the_field(
    code: str, level: int, limits: dict[str, str]
) -> None:
    entry = next(e for e in default_tree() if e.code == code)
    assert (entry.level, dict(entry.limits)) == (level, limits)


def test_the_finder_may_never_close_emergencies_disputes_conduct_or_people_in_need() -> None:
    for entry in default_tree():
        if not entry.is_group:
            held_back = entry.level == 1 or entry.code[:2] in ("01", "11") or entry.conduct
            assert entry.self_handle is not held_back, entry


def test_no_default_category_asks_for_a_photo_and_only_one_is_about_conduct() -> None:
    assert {e.evidence for e in default_tree()} == {"none"}
    assert [e.code for e in default_tree() if e.conduct] == ["1203"]


def test_every_default_category_names_its_clauses() -> None:
    for entry in default_tree():
        if entry.is_group:
            continue
        assert "23.2" in entry.clauses
        assert ({"18.1", "18.2"} <= set(entry.clauses)) is (entry.code[:2] == "01")
        assert bool({"13.7", "25.4"} & set(entry.clauses)) is (entry.code[:2] == "11")


# One rule a row: what is changed in a good tree, and the one thing that is said about it.
BROKEN = [
    ((GROUP,), ("error", "", "empty")),
    ((GROUP, RUBBISH, RUBBISH), ("error", "0601", "duplicate")),
    ((RUBBISH,), ("error", "0601", "no_group")),
    ((replace(GROUP, active=False), RUBBISH), ("error", "0601", "no_group")),
    ((*TREE, replace(RUBBISH, code="060", name_zh="噪声")), ("error", "060", "bad_code")),
    ((*TREE, replace(RUBBISH, code="060２", name_zh="噪声")), ("error", "060２", "bad_code")),
    ((GROUP, replace(RUBBISH, name_zh="Rubbish")), ("error", "0601", "no_chinese_name")),
    ((GROUP, replace(RUBBISH, name_zh="")), ("error", "0601", "no_chinese_name")),
    ((GROUP, replace(RUBBISH, name_en="")), ("error", "0601", "no_english_name")),
    ((GROUP, replace(RUBBISH, name_en="垃圾")), ("error", "0601", "no_english_name")),
    ((GROUP, replace(RUBBISH, level=None)), ("error", "0601", "no_level")),
    ((GROUP, replace(RUBBISH, level=5)), ("error", "0601", "no_level")),
    ((GROUP, replace(RUBBISH, clauses=())), ("error", "0601", "no_clause")),
    ((GROUP, replace(RUBBISH, clauses=("23",))), ("error", "0601", "bad_clause")),
    ((GROUP, replace(RUBBISH, limits={"finish": "soon"})), ("error", "0601", "bad_duration")),
    ((GROUP, replace(RUBBISH, limits={"Finish!": "4wh"})), ("error", "0601", "bad_limit_name")),
    ((GROUP, replace(RUBBISH, level=1, self_handle=True)),
     ("error", "0601", "self_handled_emergency")),
    ((GROUP, replace(RUBBISH, conduct=True, self_handle=True)),
     ("error", "0601", "self_handled_conduct")),
    ((replace(GROUP, level=2), RUBBISH), ("error", "06", "group_with_rules")),
    ((*TREE, replace(RUBBISH, code="0602")), ("warning", "0601", "same_name")),
]  # fmt: skip


def test_the_good_tree_itself_has_no_findings() -> None:
    assert findings(TREE, {}) == ()


@pytest.mark.parametrize(("tree", "expected"), BROKEN, ids=[f"{b[1][2]}-{b[1][1]}" for b in BROKEN])
def test_a_broken_tree_is_told_what_is_wrong_and_where(
    tree: tuple[Entry, ...], expected: tuple[str, str, str]
) -> None:
    found = findings(tree, {})
    assert expected in codes(found)
    assert {f.code for f in found} == {expected[2]}
    assert bool(errors_of(found)) is (expected[0] == "error")


USED = Meaning("暴露垃圾", "Exposed rubbish", in_use=True, level=3)
ENDED = replace(USED, in_use=False)
OTHER = replace(RUBBISH, name_zh="噪声", name_en="Noise")

AGAINST_HISTORY = [
    ("the same again", TREE, USED, set()),
    ("a retired code with another meaning", (GROUP, OTHER), ENDED, {("error", "code_reused")}),
    ("a retired code with its own meaning", TREE, ENDED, {("warning", "revived")}),
    ("a retired code that stays retired", (*TREE, replace(OTHER, code="0602", active=False)),
     None, set()),
    ("another name in use", (GROUP, OTHER), USED, {("warning", "renamed")}),
    ("another level", (GROUP, replace(RUBBISH, level=2)), USED, {("warning", "level_changed")}),
    ("left out", (GROUP, replace(RUBBISH, code="0602")), USED, {("warning", "dropped")}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("tree", "before", "expected"),
    [c[1:] for c in AGAINST_HISTORY],
    ids=[c[0] for c in AGAINST_HISTORY],
)
def test_a_tree_is_compared_with_what_its_codes_meant_before(
    tree: tuple[Entry, ...], before: Meaning | None, expected: set[tuple[str, str]]
) -> None:
    history = {"0601": before} if before else {}
    assert {(f.severity, f.code) for f in findings(tree, history)} == expected


def test_every_message_is_produced_by_some_case_above() -> None:
    produced = {expected[2] for _, expected in BROKEN}
    produced |= {code for *_, expected in AGAINST_HISTORY for _, code in expected}
    assert produced == set(MESSAGES)
