"""Rules of areas: codes, versions, which grid is responsible."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.codes import SCHEME_15, SCHEME_DB11
from service.areas import rules
from service.areas.errors import BadIfMatch, NoCodesLeft, StaleVersion
from service.areas.locating import responsible
from service.areas.rules import Wanted, assign_codes

VILLAGE = "511723001901"


def wanted(*kinds: str) -> list[Wanted]:
    places: dict[str, int] = {}
    made = []
    for ord_, kind in enumerate(kinds):
        places[kind] = places.get(kind, -1) + 1
        parent = 0 if kind == "micro" else None
        made.append(Wanted(ord_, VILLAGE, kind, places[kind], parent))
    return made


@pytest.mark.parametrize(
    ("scheme", "kinds", "highest", "codes"),
    [
        (SCHEME_15, ("basic", "basic"), {}, ("001", "002")),
        (SCHEME_15, ("basic", "basic"), {"0": 7}, ("008", "009")),
        (SCHEME_15, ("basic", "basic"), {"0": 98}, ("099", "101")),
        (SCHEME_15, ("basic",), {"0": 99, "1": 3}, ("104",)),
        (SCHEME_15, ("basic", "dedicated", "temporary"), {"8": 1}, ("001", "802", "901")),
        (SCHEME_15, ("basic", "micro", "micro"), {}, ("001", "00101", "00102")),
        (SCHEME_DB11, ("dedicated", "basic", "temporary"), {"": 4}, ("006", "005", "007")),
    ],
)
def test_new_grids_are_numbered_after_the_highest_ever_used(
    scheme: Any, kinds: tuple[str, ...], highest: dict[str, int], codes: tuple[str, ...]
) -> None:
    made = assign_codes(wanted(*kinds), {VILLAGE: highest}, {}, scheme)
    assert tuple(made[i].removeprefix(VILLAGE) for i in range(len(kinds))) == codes


def test_a_micro_grid_of_a_grid_in_force_goes_on_with_its_numbers() -> None:
    parent = f"{VILLAGE}004"
    grids = [Wanted(0, VILLAGE, "micro", 0, parent_code=parent)]
    assert assign_codes(grids, {}, {parent: 8}, SCHEME_15) == {0: f"{parent}09"}


@pytest.mark.parametrize(
    ("kinds", "highest", "micro"),
    [(("dedicated",), {"8": 99}, {}), (("basic",), {"0": 99, "1": 99}, {}),
     (("basic", "micro"), {}, {f"{VILLAGE}001": 99})],
)  # fmt: skip
def test_used_up_numbers_are_never_used_again(
    kinds: tuple[str, ...], highest: dict[str, int], micro: dict[str, int]
) -> None:
    with pytest.raises(NoCodesLeft):
        assign_codes(wanted(*kinds), {VILLAGE: highest}, micro, SCHEME_15)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.sampled_from(["basic", "dedicated", "temporary"]), max_size=30),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_no_two_grids_ever_get_one_code(kinds: list[str], basic: int, dedicated: int) -> None:
    highest = {"0": basic, "8": dedicated}
    made = assign_codes(wanted(*kinds), {VILLAGE: highest}, {}, SCHEME_15)
    assert len(set(made.values())) == len(kinds)
    for code in made.values():
        digit, number = rules.split_code(code, SCHEME_15)
        assert number > highest.get(digit, 0)


@pytest.mark.parametrize(
    ("code", "scheme", "name"),
    [
        (f"{VILLAGE}007", SCHEME_15, "第07网格"),
        (f"{VILLAGE}112", SCHEME_15, "第12网格"),
        (f"{VILLAGE}00703", SCHEME_15, "第07网格第3微网格"),
        (f"{VILLAGE}112", SCHEME_DB11, "第112网格"),
    ],
)
def test_a_grid_without_a_name_is_named_by_its_number(code: str, scheme: Any, name: str) -> None:
    assert rules.default_name(code, scheme) == name


@pytest.mark.parametrize(
    ("header", "version"),
    [(None, None), ("*", None), ('"3"', 3), ('W/"12"', 12), ("4", 4), (' "5" ', 5)],
)
def test_if_match_names_a_version(header: str | None, version: int | None) -> None:
    assert rules.expected_version(header) == version


@pytest.mark.parametrize("header", ['"x"', '"1", "2"', '"-1"', '""', '"１"', '"12345678901"'])
def test_if_match_that_names_none_is_refused(header: str) -> None:
    with pytest.raises(BadIfMatch):
        rules.expected_version(header)


def test_only_the_expected_version_passes() -> None:
    rules.require_version("g", 3, None)
    rules.require_version("g", 3, 3)
    with pytest.raises(StaleVersion):
        rules.require_version("g", 3, 2)


@pytest.mark.parametrize(
    ("hits", "grid", "micro"),
    [
        ([], None, None),
        (["basic:02", "basic:01"], "01", None),
        (["temporary:01", "basic:02"], "02", None),
        (["basic:01", "dedicated:09"], "09", None),
        (["temporary:05"], "05", None),
        (["basic:01", "micro:0101", "micro:0201"], "01", "0101"),
        (["basic:01", "dedicated:09", "micro:0102", "micro:0101"], "09", "0101"),
    ],
)
def test_the_most_specific_grid_is_responsible(
    hits: list[str], grid: str | None, micro: str | None
) -> None:
    rows = [dict(zip(("kind", "code"), hit.split(":"), strict=True)) for hit in hits]
    found, small = responsible(rows)
    assert (found["code"] if found else None, small) == (grid, micro)
