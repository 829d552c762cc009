"""The registry of the plan: whole, in our own words, and true to the official text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.plan.parser import DeadlineKind, parse_plan_bytes
from service.plan.registry import (
    MechanismStatus,
    RegistryError,
    UnknownClause,
    clause,
    load_registry,
    normalise_clause,
    read_registry,
)

DATA = Path(__file__).parents[2] / "service" / "plan" / "data" / "registry.json"
OFFICIAL = Path(__file__).parents[2].parent / "shared" / "data" / "plan.txt"
needs_official = pytest.mark.skipif(not OFFICIAL.exists(), reason="the official text is absent")

SERVED = [
    *("3.1", "4.2", "9.1", "12.1", "12.2", "12.3", "13.1", "13.7"),
    *("17.1", "17.2", "17.3", "17.4", "17.5", "18.1", "18.2", "18.4", "18.6", "20.1", "20.2"),
    *("23.2", "24.1", "24.2", "25.1", "25.2", "25.3", "25.4", "30.1", "31.1", "31.2", "31.3"),
    *("32.1", "35.1", "35.2", "35.3", "35.4", "36.1", "36.2", "42.3"),
]


def test_the_registry_holds_24_sections_46_tasks_and_129_measures() -> None:
    registry = load_registry()
    shape = len(registry.sections), len(registry.tasks), len(registry.measures)
    assert shape == (24, 46, 129)


def test_tasks_and_sections_list_what_belongs_to_them() -> None:
    registry = load_registry()
    assert registry.sections[11].tasks == (23, 24)
    assert registry.tasks[13].clauses[-2:] == ("13.7", "13.9")
    listed = [c for task in registry.tasks.values() for c in task.clauses]
    assert listed == list(registry.measures)


@pytest.mark.parametrize("written", ["23.2", "23.2 ", " 23.2\n", "２３．２", "２３.2"])
def test_a_clause_is_found_however_it_is_written(written: str) -> None:
    assert normalise_clause(written) == "23.2"
    assert clause(written).task == 23


@pytest.mark.parametrize(
    "written", ["", "23", "23.", "23.2.1", "023.2", "23.02", "23,2", "二十三.2", "-1.2", "٢٣.٢"]
)
def test_what_is_no_clause_is_refused(written: str) -> None:
    with pytest.raises(UnknownClause) as told:
        normalise_clause(written)
    assert (told.value.code, told.value.clause) == ("unknown_clause", written)


@pytest.mark.parametrize("absent", ["13.8", "47.1", "23.3"])
def test_a_clause_that_the_plan_does_not_have_is_unknown(absent: str) -> None:
    assert normalise_clause(absent) == absent
    with pytest.raises(UnknownClause):
        clause(absent)


def test_the_clause_of_the_grids_names_its_units_deadline_and_mechanisms() -> None:
    measure = clause("23.2")
    assert measure.leads == ("县委政法委",)
    assert measure.cooperating == ("县公安局", "县委组织部", "县民政局")
    assert measure.deadline.kind is DeadlineKind.CONTINUOUS
    assert {"grids", "grid_codes", "incidents", "tiered_response"} <= set(measure.mechanisms)


def test_summaries_are_one_line_each_in_chinese_and_english_and_no_two_alike() -> None:
    registry = load_registry()
    entries = [
        *registry.sections.values(),
        *registry.tasks.values(),
        *registry.measures.values(),
    ]
    for entry in entries:
        assert 4 <= len(entry.summary_zh) <= 40
        assert 15 <= len(entry.summary_en) <= 120
        assert re.search("[\u4e00-\u9fff]", entry.summary_zh)
        assert not re.search("[\u3000-\u9fff\n]", entry.summary_en)
    measures = registry.measures.values()
    assert len({m.summary_zh for m in measures}) == len({m.summary_en for m in measures}) == 129


def test_mechanisms_and_measures_name_each_other() -> None:
    registry = load_registry()
    for mechanism in registry.mechanisms.values():
        for served in mechanism.clauses:
            assert mechanism.slug in registry.measures[served].mechanisms
    assert [c for c, m in registry.measures.items() if m.mechanisms] == SERVED
    assert registry.mechanisms["plan_import"].clauses == ()


def test_each_mechanism_says_whether_it_is_built() -> None:
    mechanisms = load_registry().mechanisms
    assert mechanisms["grids"].status is MechanismStatus.BUILT
    assert mechanisms["three_circles"].status is MechanismStatus.PLANNED


def spoiled(change: Callable[[Any], object]) -> list[str]:
    document = json.loads(DATA.read_bytes())
    change(document)
    with pytest.raises(RegistryError) as told:
        read_registry(json.dumps(document).encode())
    assert told.value.code == "registry_invalid"
    return told.value.problems


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda d: d["measures"].pop(), "128 measures instead of 129"),
        (lambda d: d["measures"][1].update(clause="1.1"), "clause 1.1 stands twice"),
        (lambda d: d["measures"][0].update(clause="1.9"), "clause 1.2 stands after 1.9"),
        (lambda d: d["measures"][0].update(clause="1-1"), "'1-1' is not a clause"),
        (lambda d: d["measures"][-1].update(clause="47.1"), "clause 47.1 belongs to no task"),
        (lambda d: d["measures"][0].update(leads=[]), "clause 1.1 has no leading unit"),
        (lambda d: d["measures"][0].update(summary_zh="长" * 41), "has 41 characters"),
        (lambda d: d["measures"][0].update(deadline={"kind": "year_end"}), "has a year"),
        (lambda d: d["measures"][0].update(leads=["甲", "甲"]), "names a unit twice"),
        (lambda d: d["tasks"][0].update(section=99), "task 1: no section 99"),
        (lambda d: d["tasks"].reverse(), "tasks are not numbered in order"),
        (lambda d: d["mechanisms"][0].update(clauses=["13.8"]), "the plan has no clause 13.8"),
        (lambda d: d["mechanisms"][0].update(slug="grid_codes"), "grid_codes stands twice"),
        (lambda d: d["mechanisms"][0].update(status="nearly"), "Invalid enum value"),
        (lambda d: d["measures"][0].update(colour="red"), "unknown field"),
    ],
)
def test_data_that_contradict_themselves_are_refused_with_the_reason(
    change: Callable[[Any], object], problem: str
) -> None:
    assert any(problem in told for told in spoiled(change))


@needs_official
def test_no_chinese_text_of_ours_shares_ten_characters_in_a_row_with_the_plan() -> None:
    plan = re.sub(r"\s", "", OFFICIAL.read_text(encoding="utf-8"))
    registry = load_registry()
    ours = [s.summary_zh for s in registry.sections.values()]
    ours += [t.summary_zh for t in registry.tasks.values()]
    ours += [m.summary_zh for m in registry.measures.values()]
    ours += [note.zh for m in registry.measures.values() for note in m.notes]
    ours += [m.name_zh for m in registry.mechanisms.values()]
    copied = [t[i : i + 10] for t in ours for i in range(len(t) - 9) if t[i : i + 10] in plan]
    assert copied == []


@needs_official
def test_registry_and_official_text_agree_on_clauses_sections_units_and_deadlines() -> None:
    parsed = {m.clause: m for m in parse_plan_bytes(OFFICIAL.read_bytes()).measures}
    registry = load_registry().measures
    assert list(parsed) == list(registry)
    for number, ours in registry.items():
        text = parsed[number]
        read = {c.written: c.read for c in ours.corrections}
        assert set(read) <= set(text.leads + text.cooperating)
        assert tuple(read.get(unit, unit) for unit in text.leads) == ours.leads
        assert tuple(read.get(unit, unit) for unit in text.cooperating) == ours.cooperating
        assert (text.section, text.task) == (ours.section, ours.task)
        assert (text.deadline.kind, text.deadline.year) == (ours.deadline.kind, ours.deadline.year)


@needs_official
def test_only_the_noted_unit_names_are_corrected() -> None:
    corrected = {
        (c.written, c.read)
        for measure in load_registry().measures.values()
        for c in measure.corrections
    }
    assert corrected == {
        ("各乡镇（街", "各乡镇（街道）"),
        ("县卫键局", "县卫健局"),
        ("县卫生健康局", "县卫健局"),
    }
