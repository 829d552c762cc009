"""Positions in four reference systems: known offsets, round trips, an oracle, refusals."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import prcoords
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod
from shapely import MultiPolygon, Point, Polygon, box

from geo import crs
from geo.crs import CHINA_BOX, Crs

HERE = (107.86, 31.08)
SHIFTED = [Crs.GCJ02, Crs.BD09]
EARTH = Geod(ellps="GRS80")

# All of the country's box; 105 E, where the offset has a kink, is drawn on purpose.
longitudes = st.one_of(
    st.floats(CHINA_BOX.west, CHINA_BOX.east), st.floats(105 - 1e-9, 105 + 1e-9), st.just(105.0)
)
latitudes = st.floats(CHINA_BOX.south, CHINA_BOX.north)


def metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Distance on the ellipsoid of two (lon, lat)."""
    return float(EARTH.inv(*one, *other)[2])


def oracle(lon: float, lat: float, system: Crs) -> tuple[float, float]:
    forward = prcoords.wgs_gcj if system is Crs.GCJ02 else prcoords.wgs_bd
    made = forward((lat, lon))
    return made.lon, made.lat


# --- offsets


@pytest.mark.parametrize(
    ("system", "least", "most"),
    [
        (Crs.CGCS2000, 0, 0),
        (Crs.WGS84, 0, 0),
        (Crs.GCJ02, 490, 510),
        (Crs.BD09, 1105, 1115),
    ],
)
def test_the_offset_in_the_county_is_the_known_one(system: Crs, least: float, most: float) -> None:
    assert least <= metres(HERE, crs.from_canonical(*HERE, system)) <= most


def test_a_position_read_as_the_wrong_system_is_off_by_hundreds_of_metres() -> None:
    phone = crs.from_canonical(*HERE, Crs.GCJ02)
    assert metres(HERE, crs.to_canonical(*phone, Crs.WGS84)) > 490
    assert metres(HERE, crs.to_canonical(*phone, Crs.BD09)) > 490
    assert metres(HERE, crs.to_canonical(*phone, Crs.GCJ02)) < 0.001


@pytest.mark.parametrize("system", SHIFTED)
@settings(deadline=None, max_examples=200)
@given(lon=longitudes, lat=latitudes)
def test_the_forward_offset_agrees_with_an_independent_implementation(
    system: Crs, lon: float, lat: float
) -> None:
    mine = crs.from_canonical(lon, lat, system)
    assert metres(mine, oracle(lon, lat, system)) < 1e-6


@pytest.mark.parametrize(
    ("system", "inverse", "known_to"),
    [
        # Its refined inverses stop at a step of 1e-5 degrees, its quick ones after one step.
        (Crs.GCJ02, prcoords.gcj_wgs_bored, 0.02),
        (Crs.BD09, prcoords.bd_wgs_bored, 0.06),
        (Crs.GCJ02, prcoords.gcj_wgs, 10.0),
        (Crs.BD09, prcoords.bd_wgs, 10.0),
    ],
)
@settings(deadline=None, max_examples=100)
@given(lon=st.floats(73.5, 135.1), lat=st.floats(3.8, 53.6))
def test_the_inverse_agrees_with_the_oracle_as_far_as_that_one_is_exact(
    system: Crs, inverse: Callable[..., prcoords.Coords], known_to: float, lon: float, lat: float
) -> None:
    raw = oracle(lon, lat, system)
    made = inverse((raw[1], raw[0]))
    assert metres(crs.to_canonical(*raw, system), (made.lon, made.lat)) < known_to


# --- round trips


@pytest.mark.parametrize("system", Crs)
@settings(deadline=None, max_examples=300)
@given(lon=longitudes, lat=latitudes)
def test_a_round_trip_loses_less_than_a_tenth_of_a_millimetre(
    system: Crs, lon: float, lat: float
) -> None:
    back = crs.to_canonical(*crs.from_canonical(lon, lat, system), system)
    assert abs(back[0] - lon) < 1e-10
    assert abs(back[1] - lat) < 1e-10
    assert metres((lon, lat), back) < 1e-4


@pytest.mark.parametrize("system", Crs)
@settings(deadline=None, max_examples=60)
@given(points=st.lists(st.tuples(longitudes, latitudes), max_size=20))
def test_many_points_at_once_give_what_each_gives_alone(
    system: Crs, points: list[tuple[float, float]]
) -> None:
    lons, lats = np.array(points, dtype=np.float64).reshape(-1, 2).T
    out = crs.from_canonical_array(lons, lats, system)
    back = crs.to_canonical_array(*out, system)
    for index, point in enumerate(points):
        alone = crs.from_canonical(*point, system)
        assert (out[0][index], out[1][index]) == pytest.approx(alone, abs=1e-12)
        again = crs.to_canonical(*alone, system)
        assert (back[0][index], back[1][index]) == pytest.approx(again, abs=1e-10)


@pytest.mark.parametrize("system", Crs)
def test_a_batch_does_not_change_or_share_its_input(system: Crs) -> None:
    lons, lats = np.array([107.86, 104.1]), np.array([31.08, 30.6])
    made = crs.to_canonical_array(lons, lats, system)
    made[0][0] = made[1][0] = 0.0
    assert lons.tolist() == [107.86, 104.1]
    assert lats.tolist() == [31.08, 30.6]


# --- refusals

NOT_ON_EARTH = [
    (math.nan, 31.0),
    (107.0, math.nan),
    (math.inf, 31.0),
    (107.0, -math.inf),
    (180.5, 31.0),
    (-180.5, 31.0),
    (107.0, 90.5),
    (31.0, 107.0),  # latitude and longitude swapped
]
ABROAD = [(0.0, 0.0), (-107.0, 31.0), (151.2, -33.9), (107.0, 60.0), (71.8, 40.0)]


@pytest.mark.parametrize("system", Crs)
@pytest.mark.parametrize(("lon", "lat"), NOT_ON_EARTH)
def test_what_is_no_position_is_refused(system: Crs, lon: float, lat: float) -> None:
    for convert in (crs.to_canonical, crs.from_canonical):
        with pytest.raises(crs.InvalidPosition) as caught:
            convert(lon, lat, system)
        assert caught.value.code == "position_invalid"
        assert caught.value.message_zh


@pytest.mark.parametrize("system", Crs)
@pytest.mark.parametrize(("lon", "lat"), ABROAD)
def test_a_position_outside_the_country_is_refused(system: Crs, lon: float, lat: float) -> None:
    for convert in (crs.to_canonical, crs.from_canonical):
        with pytest.raises(crs.OutOfCountry) as caught:
            convert(lon, lat, system)
        assert (caught.value.lon, caught.value.lat) == (lon, lat)
        assert caught.value.message_zh
    for convert in (crs.to_canonical_array, crs.from_canonical_array):
        with pytest.raises(crs.OutOfCountry):
            convert([lon], [lat], system)


@pytest.mark.parametrize("system", SHIFTED)
def test_the_box_counts_for_where_a_shifted_position_really_is(system: Crs) -> None:
    corner = (CHINA_BOX.east, CHINA_BOX.north)
    raw = crs.from_canonical(*corner, system)
    assert crs.to_canonical(*raw, system) == pytest.approx(corner, abs=1e-10)
    beyond = (raw[0] + 0.001, raw[1])
    with pytest.raises(crs.OutOfCountry):
        crs.to_canonical(*beyond, system)
    lons, lats = crs.to_canonical_array([raw[0], beyond[0]], [raw[1]] * 2, system, strict=False)
    assert np.isnan(lons).tolist() == np.isnan(lats).tolist() == [False, True]


@pytest.mark.parametrize("system", Crs)
def test_one_bad_point_in_a_batch_is_named_by_its_index(system: Crs) -> None:
    lons, lats = [107.0, 107.1, math.nan, 2.0], [31.0, 31.0, 31.0, 48.0]
    for convert in (crs.to_canonical_array, crs.from_canonical_array):
        with pytest.raises(crs.InvalidPosition) as invalid:
            convert(lons, lats, system)
        assert invalid.value.index == 2
        with pytest.raises(crs.OutOfCountry) as abroad:
            convert(lons[3:], lats[3:], system)
        assert abroad.value.index == 0


@pytest.mark.parametrize("system", Crs)
def test_a_lenient_batch_marks_the_bad_points_and_keeps_the_others(system: Crs) -> None:
    lons, lats = [107.86, math.nan, 2.0, 107.86, 200.0], [31.08, 31.0, 48.0, 31.08, 31.0]
    for convert in (crs.to_canonical_array, crs.from_canonical_array):
        made = convert(lons, lats, system, strict=False)
        for values in made:
            assert np.isnan(values).tolist() == [False, True, True, False, True]
            assert values[0] == values[3]


def test_two_columns_of_different_length_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="shape"):
        crs.to_canonical_array([107.0, 108.0], [31.0], Crs.WGS84)


def test_a_system_must_be_declared_and_known() -> None:
    assert [crs.parse_crs(name) for name in ("cgcs2000", "wgs84", "gcj02", "bd09")] == list(Crs)
    for nothing in (None, ""):
        with pytest.raises(crs.UndeclaredCrs):
            crs.parse_crs(nothing)
    for unknown in ("GCJ02", "epsg:4326", "火星", "\ud800"):
        with pytest.raises(crs.UnknownCrs) as caught:
            crs.parse_crs(unknown)
        assert caught.value.given == unknown
        assert caught.value.message_zh.encode()


# --- geometries


@pytest.mark.parametrize("system", Crs)
def test_an_uploaded_polygon_comes_back_to_where_it_was_drawn(system: Crs) -> None:
    hole = [(107.81, 31.01), (107.82, 31.01), (107.82, 31.02), (107.81, 31.01)]
    drawn = MultiPolygon(
        [box(107.9, 31.0, 107.91, 31.02), Polygon(box(107.8, 31, 107.85, 31.05).exterior, [hole])]
    )
    raw = crs.geometry_from_canonical(drawn, system)
    back = crs.geometry_to_canonical(raw, system)
    assert isinstance(back, MultiPolygon)
    assert back.equals_exact(drawn, 1e-10)
    moved = raw.hausdorff_distance(drawn)
    assert (moved > 0.001) is (system in SHIFTED)


def test_a_polygon_with_a_vertex_abroad_is_refused_and_an_empty_one_is_not() -> None:
    with pytest.raises(crs.OutOfCountry) as caught:
        crs.geometry_to_canonical(Polygon([(107, 31), (140, 31), (107, 32)]), Crs.GCJ02)
    assert caught.value.lon == 140
    assert crs.geometry_to_canonical(Polygon(), Crs.GCJ02).is_empty


def test_height_is_dropped() -> None:
    made = crs.geometry_to_canonical(Point(107.86, 31.08, 500.0), Crs.WGS84)
    assert not made.has_z


# --- metres


def test_projected_coordinates_are_easting_northing_in_metres() -> None:
    made = crs.to_projected(Point(108.0, 31.08))
    # On the central meridian the false easting is all there is.
    assert made.x == pytest.approx(500_000, abs=1e-6)
    # One kilometre east at this latitude, measured on the ellipsoid.
    lon, lat, _ = EARTH.fwd(108.0, 31.08, 90, 1000)
    assert crs.to_projected(Point(lon, lat)).distance(made) == pytest.approx(1000, abs=1e-3)


@settings(deadline=None, max_examples=100)
@given(st.floats(106.5, 109.5), st.floats(18.2, 42.4))
def test_projecting_and_back_loses_less_than_a_tenth_of_a_millimetre(
    lon: float, lat: float
) -> None:
    back = crs.from_projected(crs.to_projected(Point(lon, lat)))
    assert metres((lon, lat), (back.x, back.y)) < 1e-4


def test_points_project_as_geometries_do() -> None:
    points = np.array([[107.86, 31.08], [107.9, 31.1]])
    made = crs.project_points(points)
    assert made.shape == (2, 2)
    for row, (lon, lat) in zip(made, points, strict=True):
        alone = crs.to_projected(Point(lon, lat))
        assert (alone.x, alone.y) == pytest.approx(tuple(row), abs=1e-9)


def test_what_cannot_be_projected_is_refused() -> None:
    with pytest.raises(crs.OutsideProjection) as caught:
        crs.to_projected(Point(math.inf, 31.0))
    assert caught.value.epsg == 4545
    with pytest.raises(crs.OutsideProjection):
        crs.from_projected(Point(1e30, 1e30))


def test_one_transformer_serves_many_threads() -> None:
    expected = crs.to_projected(Point(*HERE))
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: crs.to_projected(Point(*HERE)), range(200)))
    assert all(point.equals_exact(expected, 0.0) for point in made)
