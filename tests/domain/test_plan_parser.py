"""The plan parser: the real text where it is at hand, and a sample of our own always."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from service.plan.parser import (
    MAX_BYTES,
    MAX_LINES,
    DeadlineKind,
    NotAPlan,
    ParsedPlan,
    PlanHasNul,
    PlanParseError,
    PlanTooLarge,
    PlanUndecodable,
    parse_plan,
    parse_plan_bytes,
)
from service.plan.parsing.findings import MESSAGES

SAMPLE = (Path(__file__).parent / "plan_sample.txt").read_text(encoding="utf-8")
OFFICIAL = Path(__file__).parents[2].parent / "shared" / "data" / "plan.txt"
needs_official = pytest.mark.skipif(not OFFICIAL.exists(), reason="the official text is absent")

SAMPLE_FINDINGS = [
    (1, "", "masked_text"),
    (8, "1.1", "units_note"),
    (11, "1.2", "broken_line"),
    (13, "1.2", "broken_line"),
    (13, "1.2", "joined_lines"),
    (13, "1.2", "masked_year"),
    (14, "1.3", "ocr_slip"),
    (15, "1.3", "units_without_comma"),
    (17, "1.5", "joined_lines"),
    (17, "1.5", "numbering_gap"),
    (17, "1.5", "unclosed_bracket"),
    (18, "1.5", "deadline_variant"),
    (20, "2.1", "mixed_width"),
    (20, "2.1", "unexpected_character"),
    (20, "2.1", "unopened_bracket"),
    (22, "2.2", "joined_lines"),
    (22, "2.2", "maybe_joined"),
    (23, "2.2", "unit_misspelt"),
    (23, "2.2", "unit_without_level"),
    (24, "2.2", "deadline_unrecognised"),
    (26, "3", "odd_heading"),
    (26, "3", "stray_letter"),
    (28, "3.1", "unit_variant"),
    (30, "", "unassigned_line"),
    (31, "", "unassigned_line"),
    (32, "3.2", "deadline_missing"),
    (32, "3.2", "ocr_slip"),
    (33, "3.2", "unit_empty"),
    (33, "3.2", "unit_repeated"),
    (33, "3.2", "units_with_more_commas"),
    (34, "3.3", "mixed_width"),
    (34, "3.3", "odd_heading"),
    (34, "3.3", "text_unfinished"),
    (34, "3.3", "units_missing"),
    (36, "", "unassigned_line"),
    (37, "5", "numbering_gap"),
    (37, "5", "task_without_measures"),
    (38, "5", "extra_paragraph"),
    (39, "", "unassigned_line"),
    (40, "", "unassigned_line"),
]

SMALL = "（一）甲。\n1.乙。\n（1）丙。\n责任单位：县民政局\n完成时限：持续推进\n"
MANY_UNITS = "、".join(f"县{'东南西北中'[n % 5]}{n}局" for n in range(501))
SNIPPETS = [
    ("empty_text", SMALL + "（2）\n责任单位：县民政局\n完成时限：持续推进\n", "1.2"),
    ("numbering_backwards", SMALL + "（3）丁。\n（2）戊。\n", "1.2"),
    ("numbering_repeated", SMALL + "（1）丁。\n", "1.1"),
    ("section_without_tasks", SMALL + "（二）无事。\n", "二"),
    ("task_without_section", "1.乙。\n（1）丙。\n", "1"),
    ("units_not_compared", SMALL + f"（2）丁。\n责任单位：县民政局，{MANY_UNITS}\n", ""),
]


def found(plan: ParsedPlan, kind: str) -> list[tuple[int | None, str, int]]:
    return [(i.line, i.ref, i.count) for i in plan.irregularities if i.kind == kind]


def official() -> ParsedPlan:
    return parse_plan_bytes(OFFICIAL.read_bytes())


def test_every_irregularity_of_the_sample_is_listed_where_it_stands() -> None:
    plan = parse_plan(SAMPLE)
    assert [(i.line, i.ref, i.kind) for i in plan.irregularities] == SAMPLE_FINDINGS


@pytest.mark.parametrize(("kind", "text", "ref"), SNIPPETS)
def test_an_irregularity_is_listed_with_its_place(kind: str, text: str, ref: str) -> None:
    assert [place[1] for place in found(parse_plan(text), kind)] == [ref]


def test_each_kind_of_irregularity_is_exercised_by_a_text_and_speaks_two_languages() -> None:
    exercised = {kind for _, _, kind in SAMPLE_FINDINGS} | {kind for kind, _, _ in SNIPPETS}
    assert exercised | {"encoding_fallback"} == set(MESSAGES)
    for told in parse_plan(SAMPLE).irregularities:
        assert re.search("[\u4e00-\u9fff]", told.detail_zh)
        assert re.search("[a-z]{3}", told.detail_en)


def test_the_sample_gives_its_sections_tasks_and_measures() -> None:
    plan = parse_plan(SAMPLE)
    assert [(s.number, s.numeral) for s in plan.sections] == [(1, "一"), (2, "二")]
    assert [(t.number, t.section) for t in plan.tasks] == [(1, 1), (2, 1), (3, 2), (5, 2)]
    clauses = ["1.1", "1.2", "1.3", "1.5", "2.1", "2.2", "3.1", "3.2", "3.3"]
    assert [m.clause for m in plan.measures] == clauses
    assert "让人少跑路" in plan.preamble


def test_units_before_the_first_comma_lead_and_a_remark_is_no_unit() -> None:
    by_clause = {m.clause: m for m in parse_plan(SAMPLE).measures}
    assert by_clause["1.1"].leads == ("县住建局", "县路灯所")
    assert by_clause["1.1"].cooperating == ("县财政局", "县卫健局", "各乡镇（街道）")
    assert by_clause["1.3"].leads == ("县水务局", "县财政局")
    assert by_clause["1.3"].cooperating == ()


def test_a_suspect_unit_name_stays_as_written() -> None:
    by_clause = {m.clause: m for m in parse_plan(SAMPLE).measures}
    assert by_clause["2.2"].leads == ("县卫键局",)


def test_a_broken_line_is_rejoined_and_its_raw_text_kept() -> None:
    measure = next(m for m in parse_plan(SAMPLE).measures if m.clause == "1.2")
    assert measure.text == "水沟清淤做到全覆盖，雨季前再走一遍。"
    assert measure.raw_text == "（2）水沟清淤做到全覆\n盖，雨季前再走一遍。"
    assert measure.cooperating == ("县卫健局", "各乡镇（街道）")


@pytest.mark.parametrize(
    ("written", "kind", "year"),
    [
        ("2031年底", DeadlineKind.YEAR_END, 2031),
        ("2031年底前", DeadlineKind.YEAR_END, 2031),
        ("2031年12月底", DeadlineKind.YEAR_END, 2031),
        ("20**年底", DeadlineKind.MASKED_YEAR, None),
        ("**年底", DeadlineKind.MASKED_YEAR, None),
        ("持续推进。", DeadlineKind.CONTINUOUS, None),
        ("2031年6月底", DeadlineKind.NONE, None),
        ("", DeadlineKind.NONE, None),
    ],
)
def test_a_deadline_has_its_kind_and_keeps_its_wording(
    written: str, kind: DeadlineKind, year: int | None
) -> None:
    text = SMALL.replace("持续推进", written)
    deadline = parse_plan(text).measures[0].deadline
    assert (deadline.kind, deadline.text, deadline.year) == (kind, written, year)


@pytest.mark.parametrize("ending", ["\r\n", "\r", "\n\n", "\n\u3000\u3000", "\n\f"])
def test_line_ends_blank_lines_and_indents_change_nothing(ending: str) -> None:
    plan, usual = parse_plan(SAMPLE.replace("\n", ending)), parse_plan(SAMPLE)
    assert [m.text for m in plan.measures] == [m.text for m in usual.measures]
    assert Counter(i.kind for i in plan.irregularities) == Counter(
        i.kind for i in usual.irregularities
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_the_encoding_is_found_and_gb18030_is_reported(encoding: str) -> None:
    text = SAMPLE.replace("£", "磅")
    plan = parse_plan_bytes(text.encode(encoding))
    assert plan.encoding == encoding
    assert plan.measures == parse_plan(text).measures
    assert bool(found(plan, "encoding_fallback")) == (encoding == "gb18030")


@pytest.mark.parametrize(
    ("data", "refusal", "code"),
    [
        (b"", NotAPlan, "plan_without_tasks"),
        ("只有一段话，没有任务。".encode(), NotAPlan, "plan_without_tasks"),
        (b"1.a\x00", PlanHasNul, "plan_nul_byte"),
        ("1.乙。".encode("utf-16"), PlanHasNul, "plan_nul_byte"),
        (b"1.\xff\xff\xff", PlanUndecodable, "plan_undecodable"),
        (b"1.a\n" + b"a" * MAX_BYTES, PlanTooLarge, "plan_too_large"),
        (b"1.a" + b"\n" * MAX_LINES, PlanTooLarge, "plan_too_large"),
    ],
)
def test_what_is_no_plan_is_refused_by_name(
    data: bytes, refusal: type[PlanParseError], code: str
) -> None:
    with pytest.raises(refusal) as told:
        parse_plan_bytes(data)
    assert told.value.code == code


@needs_official
def test_the_official_text_gives_46_tasks_and_129_measures_in_24_sections() -> None:
    plan = official()
    assert [s.number for s in plan.sections] == list(range(1, 25))
    assert [t.number for t in plan.tasks] == list(range(1, 47))
    assert len({m.clause for m in plan.measures}) == len(plan.measures) == 129
    assert all(m.leads for m in plan.measures)
    kinds = Counter(m.deadline.kind for m in plan.measures)
    assert kinds == {"continuous": 71, "masked_year": 35, "year_end": 23}


@needs_official
def test_each_measure_of_the_official_text_agrees_with_a_plain_count_of_its_lines() -> None:
    text = OFFICIAL.read_text(encoding="utf-8")
    assert len(re.findall(r"(?m)^（\d+）", text)) == 129
    assert text.count("责任单位：") == text.count("完成时限：") == 129


@needs_official
def test_the_official_text_has_no_line_without_a_place() -> None:
    assert not found(official(), "unassigned_line")


@needs_official
@pytest.mark.parametrize(
    ("kind", "places"),
    [
        ("numbering_gap", [(137, "13.9", 1)]),
        ("unclosed_bracket", [(113, "12.3", 1), (364, "35.2", 1)]),
        ("unopened_bracket", [(1, "", 1), (361, "35.1", 1)]),
        ("unit_misspelt", [(145, "14.2", 1)]),
        ("unit_without_level", [(234, "20.2", 1)]),
        ("unit_variant", [(107, "12.1", 1), (113, "12.3", 1), (231, "20.1", 1)]),
        ("units_note", [(12, "1.1", 1)]),
        ("units_without_comma", [(408, "39.6", 1), (459, "46.1", 1)]),
        ("deadline_variant", [(238, "20.3", 1)]),
        ("text_unfinished", [(324, "29.5", 1)]),
        ("unexpected_character", [(356, "34", 1)]),
        ("stray_letter", [(361, "35.1", 1)]),
    ],
)
def test_the_official_text_has_these_irregularities_and_no_more_of_the_kind(
    kind: str, places: list[tuple[int, str, int]]
) -> None:
    assert found(official(), kind) == places


@needs_official
@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        ("joined_lines", [27, 48, 65, 126, 154, 260, 277, 317, 324, 358, 390, 413, 459]),
        ("broken_line", [19, 105, 131, 168, 210, 279, 332, 365, 376, 388, 432]),
        ("ocr_slip", [18, 127, 199, 278, 364, 379, 379]),
    ],
)
def test_the_official_text_has_these_lines_joined_broken_or_misread(
    kind: str, lines: list[int]
) -> None:
    assert [place[0] for place in found(official(), kind)] == lines


@needs_official
def test_every_mask_of_the_official_text_is_counted() -> None:
    plan, text = official(), OFFICIAL.read_text(encoding="utf-8")
    years = sum(count for _, _, count in found(plan, "masked_year"))
    masks = sum(count for _, _, count in found(plan, "masked_text"))
    assert years == len(re.findall(r"20\*\*", text))
    assert years + masks == len(re.findall(r"\*+", text))
