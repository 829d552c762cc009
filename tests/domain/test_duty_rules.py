"""Rules of duty lists: the default lists, what stops a publication, how a dispatch is judged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.auth.bootstrap import units_data
from service.duties.errors import OutsideDutyList
from service.duties.judging import judge
from service.duties.lists.cache import DutySnapshot, published_list
from service.duties.lists.messages import MESSAGES
from service.duties.lists.rules import (
    Entry,
    Finding,
    Known,
    TownshipException,
    covering,
    findings,
)
from service.duties.lists.seed import default_lists
from service.incidents.categories.seed import default_tree
from service.kit.drafts import errors_of

COUNTY, HERE, THERE, VILLAGE = "511723", "511723100", "511723205", "511723100200"
KNOWN = Known(
    {"06": True, "0601": True, "0602": True, "0699": False},
    {"u-lead": True, "u-help": True, "u-gone": False},
    {HERE, THERE},
)
GROUP = Entry("T06", "环境卫生", "Cleanliness", "basic", ("06",), basis="条例", clauses=("35.3",))
ONE = replace(GROUP, code="T0601", categories=("0601",))
TAKEN = replace(ONE, code="T0602", section="recovered", lead_unit="u-lead")
TOLD_BY_NONE: tuple[Entry, ...] = ()


def said(*entries: Entry, before: tuple[Entry, ...] = TOLD_BY_NONE) -> set[tuple[str, str]]:
    """What is found, as (item, code), without what the list leaves uncovered."""
    found = findings(entries, before, KNOWN)
    return {(f.item, f.code) for f in found if f.code != "uncovered"}


def default_known() -> Known:
    """What a new deployment has."""
    units = {f"{COUNTY}-{u['key']}": True for u in units_data()["county"]}
    return Known({e.code: e.active for e in default_tree()}, units, {HERE, THERE})


@pytest.mark.parametrize("kind", ["township", "community"])
def test_the_default_lists_can_be_published_without_a_remark(kind: str) -> None:
    assert findings(default_lists(COUNTY)[kind], (), default_known()) == ()


@pytest.mark.parametrize(
    ("kind", "category", "section"),
    [
        ("township", "0101", "basic"),
        ("township", "0601", "basic"),
        ("township", "0604", "cooperate"),
        ("township", "0702", "recovered"),
        ("township", "0901", "recovered"),
        ("township", "1004", "recovered"),
        ("township", "0301", "cooperate"),
        ("community", "0101", "basic"),
        ("community", "0204", "recovered"),
        ("community", "0903", "recovered"),
        ("community", "1101", "basic"),
    ],
)
def test_the_default_lists_say_whose_a_category_is(kind: str, category: str, section: str) -> None:
    found = covering(default_lists(COUNTY)[kind], category, VILLAGE)
    assert found is not None
    assert found.section == section


EXCEPT_HERE = (TownshipException(HERE, "recovered"),)


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ((GROUP,), set()),
        ((), {("", "empty")}),
        ((replace(GROUP, active=False),), {("", "empty")}),
        ((replace(GROUP, name_zh="x"),), {("T06", "no_chinese_name")}),
        ((replace(GROUP, name_en="卫生"),), {("T06", "no_english_name")}),
        ((replace(GROUP, basis=""),), {("T06", "no_basis")}),
        ((replace(GROUP, clauses=()),), {("T06", "no_clause")}),
        ((replace(GROUP, categories=()),), {("T06", "covers_nothing")}),
        ((replace(GROUP, categories=("99",)),), {("T06", "unknown_category")}),
        ((replace(GROUP, categories=("0699",)),), {("T06", "retired_category")}),
        ((replace(GROUP, section="cooperate"),), {("T06", "no_lead")}),
        ((replace(GROUP, section="recovered"),), {("T06", "no_lead")}),
        ((replace(GROUP, lead_unit="u-none"),), {("T06", "unknown_unit")}),
        ((replace(GROUP, cooperating_units=("u-none",)),), {("T06", "unknown_unit")}),
        ((replace(GROUP, lead_unit="u-gone"),), {("T06", "inactive_unit")}),
        (
            (replace(GROUP, lead_unit="u-lead", cooperating_units=("u-lead", "u-help")),),
            {("T06", "lead_cooperates")},
        ),
        (
            (replace(TAKEN, exceptions=(TownshipException("511723999", "basic"),)),),
            {("T0602", "unknown_township")},
        ),
        (
            (replace(TAKEN, exceptions=(TownshipException(HERE, "basic"),) * 2),),
            {("T0602", "exception_twice")},
        ),
        (
            (replace(TAKEN, exceptions=EXCEPT_HERE),),
            {("T0602", "exception_without_effect")},
        ),
        ((replace(ONE, exceptions=EXCEPT_HERE),), {("T0601", "no_lead")}),
        # A group and a category of it are no contradiction: the nearer one counts.
        ((GROUP, TAKEN), set()),
        ((ONE, TAKEN), {("T0602", "contradictory")}),
        ((ONE, replace(TAKEN, active=False)), set()),
        ((ONE, replace(ONE, code="T0603")), {("T0603", "covered_twice")}),
        # Only in one township, by an exception.
        (
            (ONE, replace(ONE, code="T0603", lead_unit="u-lead", exceptions=EXCEPT_HERE)),
            {("T0603", "contradictory")},
        ),
    ],
)
def test_what_is_wrong_with_a_list_is_told(
    entries: tuple[Entry, ...], expected: set[tuple[str, str]]
) -> None:
    assert said(*entries) == expected


def test_a_category_that_no_item_covers_is_told() -> None:
    found = findings((ONE,), (), KNOWN)
    assert [(f.code, f.severity, f.pointer) for f in found] == [("uncovered", "warning", "/items")]
    assert "0602" in found[0].zh


def test_what_changes_against_the_list_in_force_is_told() -> None:
    assert said(GROUP, before=(GROUP, ONE)) == {("T0601", "dropped")}
    assert said(replace(TAKEN, code="T06"), before=(GROUP,)) == {("T06", "section_changed")}


def test_errors_stop_and_warnings_do_not() -> None:
    found = findings((ONE, TAKEN, replace(ONE, code="T0603")), (), KNOWN)
    assert {f.severity for f in found} == {"error", "warning"}
    assert all(f.severity == "error" for f in errors_of(found))
    assert errors_of(found) != ()


def test_every_text_can_be_filled_in_both_languages() -> None:
    names = ("category", "unit", "township", "area_zh", "area_en", "held", "taken", "other",
             "before", "after", "zh", "en")  # fmt: skip
    for _, zh, en in MESSAGES.values():
        values = dict.fromkeys(names, "甲")
        assert zh.format(**values)
        assert en.format(**values)
    pointer = Finding("error", "T06", "basis", "no_basis", "", "").pointer
    assert pointer == "/items/T06/basis"


def lists(*entries: Entry) -> DutySnapshot:
    """A township list in force, and no community list."""
    return DutySnapshot(1, {"township": published_list("township", 7, None, entries)})


IN_ONE_TOWNSHIP = replace(ONE, lead_unit="u-lead", exceptions=EXCEPT_HERE)


@pytest.mark.parametrize(
    ("entries", "category", "area", "ground", "clause", "item"),
    [
        ((GROUP,), "0601", HERE, "listed", "35.3", "T06"),
        ((GROUP,), "0701", HERE, "outside", "35.2", None),
        ((GROUP, TAKEN), "0601", HERE, "outside", "35.2", "T0602"),
        ((GROUP, TAKEN), "0602", HERE, "listed", "35.3", "T06"),
        ((GROUP, replace(TAKEN, active=False)), "0601", HERE, "listed", "35.3", "T06"),
        ((replace(GROUP, active=False),), "0601", HERE, "outside", "35.2", None),
        ((replace(ONE, section="cooperate"),), "0601", HERE, "listed", "35.3", "T0601"),
        ((IN_ONE_TOWNSHIP,), "0601", HERE, "outside", "35.2", "T0601"),
        ((IN_ONE_TOWNSHIP,), "0601", THERE, "listed", "35.3", "T0601"),
        ((replace(TAKEN, exceptions=(TownshipException(HERE, "basic"),)),), "0601", HERE,
         "listed", "35.3", "T0602"),
    ],
)  # fmt: skip
def test_a_dispatch_to_a_township_is_judged_by_the_nearest_item(
    entries: tuple[Entry, ...], category: str, area: str, ground: str, clause: str,
    item: str | None,
) -> None:  # fmt: skip
    verdict = judge(
        lists(*entries), category=category, from_tier=4, target_area=area, target_tier=3
    )
    found = verdict.item.code if verdict.item else None
    assert (verdict.ground, verdict.clause, found, verdict.list_version) == (
        ground, clause, item, 7,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("from_tier", "target_tier", "area", "ground"),
    [
        (4, 4, COUNTY, "not_applicable"),
        (4, 1, VILLAGE, "not_applicable"),
        (3, 3, HERE, "not_applicable"),
        (3, 2, VILLAGE, "not_applicable"),
        (2, 2, VILLAGE, "not_applicable"),
        (4, 2, VILLAGE, "no_list"),
        (4, 3, HERE, "outside"),
    ],
)
def test_only_the_county_is_bound_and_only_by_a_list_that_there_is(
    from_tier: int, target_tier: int, area: str, ground: str
) -> None:
    verdict = judge(
        lists(TAKEN), category="0601", from_tier=from_tier, target_area=area,
        target_tier=target_tier,
    )  # fmt: skip
    assert verdict.ground == ground
    assert verdict.allowed == (ground != "outside")


@pytest.mark.parametrize(
    ("kind", "tier", "area", "clauses"),
    [("township", 3, HERE, ["35.2"]), ("community", 2, VILLAGE, ["25.1", "35.4"])],
)
def test_the_refusal_names_the_clause_and_how_to_ask(
    kind: str, tier: int, area: str, clauses: list[str]
) -> None:
    snapshot = DutySnapshot(1, {kind: published_list(kind, 7, None, (TAKEN,))})
    verdict = judge(snapshot, category="0601", from_tier=4, target_area=area, target_tier=tier)
    with pytest.raises(OutsideDutyList) as caught:
        verdict.require()
    told = caught.value.document("zh")
    assert (told["status"], told["code"], told["clause"]) == (409, "outside_duty_list", clauses[0])
    assert (told["clauses"], told["item"], told["list_version"]) == (clauses, "T0602", 7)
    for language in ("zh", "en"):
        assert "/v1/dispatch-approvals" in caught.value.text(language)
        assert area in caught.value.text(language)
