"""BeiDou grid location codes: known examples, and what must hold everywhere in the quadrant."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import beidou

# 116 deg 18' 45.37" E, 39 deg 59' 35.38" N, the example by which implementations are compared.
WORKED = (116 + 18 / 60 + 45.37 / 3600, 39 + 59 / 60 + 35.38 / 3600)
WORKED_CODE = "N50J47539B8255346152"
LENGTHS = [4, 6, 7, 9, 11, 12, 14, 16, 18, 20]
# Width and height of a cell by level, in seconds of arc.
CELLS = [
    (Fraction(21600), Fraction(14400)),
    (Fraction(1800), Fraction(1800)),
    (Fraction(900), Fraction(600)),
    (Fraction(60), Fraction(60)),
    (Fraction(4), Fraction(4)),
    (Fraction(2), Fraction(2)),
    (Fraction(1, 4), Fraction(1, 4)),
    (Fraction(1, 32), Fraction(1, 32)),
    (Fraction(1, 256), Fraction(1, 256)),
    (Fraction(1, 2048), Fraction(1, 2048)),
]

longitudes = st.floats(0, 180, exclude_max=True)
latitudes = st.floats(0, 88, exclude_max=True)
levels = st.integers(1, 10)


def test_the_county_example_at_level_five() -> None:
    assert beidou.encode(107.86, 31.08) == "N48HB61649C"


@pytest.mark.parametrize("level", range(1, 11))
def test_the_worked_example_at_every_level(level: int) -> None:
    assert beidou.encode(*WORKED, level) == WORKED_CODE[: LENGTHS[level - 1]]
    assert beidou.level_of_code(WORKED_CODE[: LENGTHS[level - 1]]) == level


def test_the_published_sides_of_the_worked_example() -> None:
    assert beidou.decode("N50J47539B825534") == pytest.approx(
        (116.3125954861111, 39.99315972222223, 116.31260416666666, 39.99316840277778), abs=1e-13
    )


@pytest.mark.parametrize(
    ("lon", "lat", "level", "code"),
    [
        (0, 0, 10, "N31A0000000000000000"),
        (0.3, 0.2, 3, "N31A003"),  # second column, second row of a half degree
        (0.1, 0.4, 3, "N31A004"),
        (2.5 / 3600, 1.5 / 3600, 6, "N31A00000001"),  # south-east quarter of four seconds
        (1.5 / 3600, 2.5 / 3600, 6, "N31A00000002"),
        (math.nextafter(180, 0), math.nextafter(88, 0), 10, "N60VB75E9EE377777777"),
    ],
)
def test_elements_count_from_the_south_west(lon: float, lat: float, level: int, code: str) -> None:
    assert beidou.encode(lon, lat, level) == code


@settings(deadline=None, max_examples=300)
@given(longitudes, latitudes, levels)
def test_a_cell_holds_the_position_it_was_made_from(lon: float, lat: float, level: int) -> None:
    west, south, east, north = beidou.decode(beidou.encode(lon, lat, level))
    assert west <= lon < east
    assert south <= lat < north


@settings(deadline=None, max_examples=200)
@given(longitudes, latitudes, levels)
def test_a_cell_has_the_size_that_the_standard_gives(lon: float, lat: float, level: int) -> None:
    west, south, east, north = beidou.decode(beidou.encode(lon, lat, level))
    width, height = CELLS[level - 1]
    assert (east - west) * 3600 == pytest.approx(float(width), abs=1e-9)
    assert (north - south) * 3600 == pytest.approx(float(height), abs=1e-9)
    for side, size in ((west, width), (south, height)):
        steps = side * 3600 / float(size)
        assert steps == pytest.approx(round(steps), abs=1e-4)


@settings(deadline=None, max_examples=200)
@given(longitudes, latitudes)
def test_codes_of_one_place_nest_by_prefix(lon: float, lat: float) -> None:
    finest = beidou.encode(lon, lat, 10)
    for level, length in enumerate(LENGTHS, start=1):
        assert beidou.encode(lon, lat, level) == finest[:length]


@settings(deadline=None, max_examples=200)
@given(longitudes, latitudes, levels)
def test_a_cell_owns_its_western_and_southern_side_and_not_the_others(
    lon: float, lat: float, level: int
) -> None:
    code = beidou.encode(lon, lat, level)
    west, south, east, north = beidou.decode(code)
    assert beidou.encode(west, south, level) == code
    assert beidou.encode(math.nextafter(east, 0), math.nextafter(north, 0), level) == code
    if east < 180:
        assert beidou.encode(east, south, level) != code
    if north < 88:
        assert beidou.encode(west, north, level) != code


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 180 * 3600 - 1), st.integers(0, 88 * 3600 - 1))
def test_whole_seconds_fall_into_the_cells_that_integers_say(east: int, north: int) -> None:
    code = beidou.encode(east / 3600, north / 3600, 5)
    column, row = east // 21600, north // 14400
    parts = [f"N{31 + column}{chr(65 + row)}"]
    parts.append(f"{east % 21600 // 1800:X}{north % 14400 // 1800:X}")
    parts.append(str(north % 1800 // 600 * 2 + east % 1800 // 900))
    parts.append(f"{east % 900 // 60:X}{north % 600 // 60:X}")
    parts.append(f"{east % 60 // 4:X}{north % 60 // 4:X}")
    assert code == "".join(parts)


def test_lower_case_letters_are_read() -> None:
    assert beidou.decode(WORKED_CODE.lower()) == beidou.decode(WORKED_CODE)


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 0),
        ("S50J", 0),
        ("N5", 1),
        ("N30J", 1),
        ("N61J", 1),
        ("N5OJ", 1),
        ("N５０J", 1),
        ("N50", 3),
        ("N50W", 3),
        ("N504", 3),
        ("N50JC7", 4),
        ("N50J48", 5),
        ("N50J4", 5),
        ("N50J476", 6),
        ("N50J475FA", 7),
        ("N50J4753A", 8),
        ("N50J47539F8", 9),
        ("N50J47539B84", 11),
        ("N50J47539B8285", 12),
        (WORKED_CODE + "0", 20),
    ],
)
def test_a_bad_code_is_refused_at_its_first_bad_place(text: str, position: int) -> None:
    with pytest.raises(beidou.BadBeidouCode) as caught:
        beidou.decode(text)
    assert caught.value.position == position
    assert caught.value.message_zh


@pytest.mark.parametrize(
    ("lon", "lat"),
    [(-0.001, 31), (180, 31), (107, -0.001), (107, 88), (math.nan, 31), (107, math.inf)],
)
def test_only_the_quadrant_that_is_certain_is_offered(lon: float, lat: float) -> None:
    with pytest.raises(beidou.OutsideBeidouQuadrant):
        beidou.encode(lon, lat)


@pytest.mark.parametrize("level", [0, 11, -1])
def test_levels_end_at_ten(level: int) -> None:
    with pytest.raises(beidou.BeidouLevelUnknown):
        beidou.encode(107, 31, level)
