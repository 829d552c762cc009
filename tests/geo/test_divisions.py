"""Division codes: level, parent, what lies inside what, and the kind of a township."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from geo import codes
from geo.codes import SCHEME_DB11, Level, TownshipKind

VILLAGE = "511723100200"
GRID = "511723100200001"
MICRO = "51172310020000107"
REAL_DIVISIONS = Path(__file__).parents[2] / ".." / "shared" / "data" / "dazhou-divisions.csv"


@pytest.mark.parametrize(
    ("code", "level", "parent"),
    [
        ("511723", Level.COUNTY, None),
        ("511723100", Level.TOWNSHIP, "511723"),
        (VILLAGE, Level.VILLAGE, "511723100"),
        (GRID, Level.GRID, VILLAGE),
        (MICRO, Level.MICRO_GRID, GRID),
    ],
)
def test_a_key_tells_its_level_and_its_parent(code: str, level: Level, parent: str | None) -> None:
    assert codes.level_of(code) is level
    assert codes.parent_of(code) == parent


def test_the_scheme_without_micro_grids_knows_no_seventeen_digits() -> None:
    assert codes.level_of(GRID, SCHEME_DB11) is Level.GRID
    with pytest.raises(codes.WrongLength) as caught:
        codes.level_of(MICRO, SCHEME_DB11)
    assert caught.value.allowed == (6, 9, 12, 15)


@pytest.mark.parametrize(
    ("code", "prefix", "inside"),
    [
        (GRID, "511723", True),
        (GRID, "511723100", True),
        (GRID, GRID, True),
        (MICRO, GRID, True),
        ("511723", GRID, False),
        (GRID, "511724", False),
        (GRID, "511723101", False),
    ],
)
def test_inside_is_a_prefix(code: str, prefix: str, inside: bool) -> None:
    assert codes.is_inside(code, prefix) is inside


@pytest.mark.parametrize("prefix", ["", "5", "51172", "5117231", "5117231002000"])
def test_half_a_code_is_no_area_to_be_inside_of(prefix: str) -> None:
    with pytest.raises(codes.WrongLength):
        codes.is_inside(GRID, prefix)


def test_a_letter_in_a_key_is_named_with_its_place() -> None:
    with pytest.raises(codes.ForeignCharacter) as caught:
        codes.level_of("51172X")
    assert (caught.value.found, caught.value.position) == ("X", 5)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("001", TownshipKind.STREET_OFFICE),
        ("099", TownshipKind.STREET_OFFICE),
        ("100", TownshipKind.TOWN),
        ("199", TownshipKind.TOWN),
        ("200", TownshipKind.TOWNSHIP),
        ("399", TownshipKind.TOWNSHIP),
        ("400", TownshipKind.OTHER),
        ("999", TownshipKind.OTHER),
    ],
)
def test_digits_seven_to_nine_tell_the_kind_of_a_township(number: str, kind: TownshipKind) -> None:
    assert codes.township_kind(f"511723{number}") is kind
    assert codes.township_kind(f"511723{number}200001") is kind


def test_a_county_and_a_zero_township_have_no_township_kind() -> None:
    with pytest.raises(codes.WrongLength):
        codes.township_kind("511723")
    with pytest.raises(codes.TownshipZero):
        codes.township_kind("511723000")


def test_the_names_of_the_real_townships_agree_with_their_kind() -> None:
    if not REAL_DIVISIONS.exists():
        pytest.skip("the real division table is not here")
    endings = {
        "街道": TownshipKind.STREET_OFFICE,
        "镇": TownshipKind.TOWN,
        "乡": TownshipKind.TOWNSHIP,
    }
    with REAL_DIVISIONS.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["level"] == "township"]
    assert len(rows) == 200
    for row in rows:
        ending = next(ending for ending in endings if row["name"].endswith(ending))
        assert codes.township_kind(row["code"]) is endings[ending], row
