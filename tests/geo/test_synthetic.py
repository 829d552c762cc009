"""The synthetic county: the real numbers and outline, an exact coverage, the same every time."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Polygon

from geo.codes import GridKind
from geo.data import COUNTY, divisions, outline
from geo.divisions import Level
from geo.numbering import number_grids
from geo.projection import to_projected
from geo.synthetic import SyntheticCounty, generate, load, pack, unpack
from geo.synthetic.__main__ import main
from geo.synthetic.growth import is_connected, partition

AREAS = ("townships", "villages", "grids", "micro_grids")
LAYERS = ("townships", "villages", "grids", "dedicated", "micro_grids")


@pytest.fixture(scope="module")
def county() -> SyntheticCounty:
    return load()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """What the command says it wrote."""
    said = io.StringIO()
    with redirect_stdout(said):
        main([str(tmp_path_factory.mktemp("county") / "new" / "folder")])
    return [Path(line) for line in said.getvalue().splitlines()]


@pytest.fixture(scope="module")
def drawn(written: list[Path]) -> SyntheticCounty:
    return unpack(written[-1].read_bytes())


def polygons(county: SyntheticCounty, layer: str) -> list[Polygon]:
    return [one.geometry for one in getattr(county, layer)]


def areas_m2(shapes: Sequence[Polygon]) -> np.ndarray:
    return np.array([to_projected(one).area for one in shapes])


def test_townships_and_villages_are_the_real_ones(county: SyntheticCounty) -> None:
    for layer, level in (("townships", Level.TOWNSHIP), ("villages", Level.VILLAGE)):
        drawn = [(one.code, one.name) for one in getattr(county, layer)]
        assert drawn == [(one.code, one.name) for one in divisions() if one.level is level]


def test_there_are_about_1500_basic_40_dedicated_and_60_micro_grids(
    county: SyntheticCounty,
) -> None:
    assert 1450 <= len(county.grids) <= 1550
    assert {one.kind for one in county.grids} == {GridKind.BASIC}
    assert len(county.dedicated) == 40
    assert {one.kind for one in county.dedicated} == {GridKind.DEDICATED}
    assert len(county.micro_grids) == 60


def test_a_village_has_three_grids_or_more_and_a_community_more_than_a_village_in_the_country(
    county: SyntheticCounty,
) -> None:
    count = Counter(one.village_code for one in county.grids)
    assert len(count) == 162
    assert min(count.values()) >= 3
    of_community = [count[one.code] for one in county.villages if "社区" in one.name]
    of_country = [count[one.code] for one in county.villages if "社区" not in one.name]
    assert np.mean(of_community) > 1.4 * np.mean(of_country)


@pytest.mark.parametrize("layer", LAYERS)
def test_every_polygon_is_valid_and_in_whole_units_of_seven_decimals(
    county: SyntheticCounty, layer: str
) -> None:
    shapes = polygons(county, layer)
    assert shapely.is_valid(shapes).all()
    assert not shapely.get_num_interior_rings(shapes).any()
    xy = shapely.get_coordinates(shapes)
    np.testing.assert_array_equal(xy, np.rint(xy * 1e7) / 1e7)


@pytest.mark.parametrize("layer", AREAS)
def test_every_level_is_an_exact_coverage(county: SyntheticCounty, layer: str) -> None:
    assert shapely.coverage_is_valid(polygons(county, layer))


@pytest.mark.parametrize(
    ("parents", "children"), [("townships", "villages"), ("villages", "grids")]
)
def test_an_area_is_exactly_the_union_of_its_parts(
    county: SyntheticCounty, parents: str, children: str
) -> None:
    parts: dict[str, list[Polygon]] = {}
    for one in getattr(county, children):
        code = one.code[:9] if children == "villages" else one.village_code
        parts.setdefault(code, []).append(one.geometry)
    for parent in getattr(county, parents):
        whole = shapely.normalize(shapely.coverage_union_all(parts[parent.code]))
        (whole,) = shapely.get_parts(whole)
        assert shapely.equals_exact(whole, parent.geometry)


def test_the_grids_fill_the_real_outline(county: SyntheticCounty) -> None:
    whole = county.county.geometry
    # Borders end on the outline at whole units, which moves it by a centimetre at most.
    assert whole.hausdorff_distance(outline()) < 1.5e-7
    assert areas_m2(polygons(county, "grids")).sum() / 1e6 == pytest.approx(1027.76, abs=0.01)
    assert shapely.coverage_union_all(polygons(county, "townships")).equals(whole)


def test_grids_look_like_grids(county: SyntheticCounty) -> None:
    shapes = polygons(county, "grids")
    areas = areas_m2(shapes)
    lengths = np.array([to_projected(one).length for one in shapes])
    assert 50 <= shapely.get_num_coordinates(shapes).mean() <= 64
    assert areas.min() > 20_000
    assert areas.max() < 3_000_000
    assert (4 * np.pi * areas / lengths**2).min() > 0.25  # a circle has 1, a sliver next to 0


def test_a_dedicated_grid_lies_in_one_basic_grid_of_its_village(county: SyntheticCounty) -> None:
    tree = shapely.STRtree(polygons(county, "grids"))
    for one in county.dedicated:
        (host,) = tree.query(one.geometry, predicate="intersects")
        assert county.grids[host].village_code == one.village_code
        assert county.grids[host].geometry.contains_properly(one.geometry)
    assert len({one.name for one in county.dedicated}) == 40
    assert Counter(one.name[-2:] for one in county.dedicated) == dict.fromkeys(
        ("小学", "市场", "公园", "业园"), 10
    )


def test_micro_grids_subdivide_their_grid_and_its_households(county: SyntheticCounty) -> None:
    hosts = {(one.village_code, one.name): one for one in county.grids}
    parts: dict[tuple[str, str], list[int]] = {}
    for place, one in enumerate(county.micro_grids):
        parts.setdefault((one.village_code, one.grid_name), []).append(place)
    assert len(parts) == 20
    for key, places in parts.items():
        some = [county.micro_grids[place] for place in places]
        whole = shapely.coverage_union_all([one.geometry for one in some])
        assert whole.equals(hosts[key].geometry)
        assert sum(one.households for one in some) == hosts[key].households


def test_names_count_the_grids_of_a_village_in_the_order_of_their_numbering(
    county: SyntheticCounty,
) -> None:
    village = county.villages[0].code
    grids = [one for one in county.grids if one.village_code == village]
    assert [one.name for one in grids[:2]] == ["第01网格", "第02网格"]
    assert number_grids([(one.name, one.geometry) for one in grids]) == [one.name for one in grids]


def test_a_basic_grid_has_80_to_400_households(county: SyntheticCounty) -> None:
    households = [one.households for one in county.grids]
    assert min(households) >= 80
    assert max(households) <= 400
    assert len(set(households)) > 200


def test_the_generator_draws_what_is_shipped(
    county: SyntheticCounty, drawn: SyntheticCounty
) -> None:
    for layer in LAYERS:
        left, right = getattr(county, layer), getattr(drawn, layer)
        assert len(left) == len(right)
        for one, other in zip(left, right, strict=True):
            facts = [{**_facts(some), "geometry": None} for some in (one, other)]
            assert facts[0] == facts[1]
        # One unit of the last decimal is left to other versions of the geometry library.
        assert shapely.equals_exact(
            polygons(county, layer), polygons(drawn, layer), tolerance=1.5e-7
        ).all()


def test_packing_and_unpacking_loses_nothing(county: SyntheticCounty) -> None:
    packed = pack(county)
    assert unpack(packed) == county
    assert len(packed) < 2_500_000


def test_another_seed_draws_another_county_of_the_same_numbers(drawn: SyntheticCounty) -> None:
    other = generate(seed=7)
    assert [len(other.townships), len(other.villages)] == [13, 162]
    assert min(Counter(one.village_code for one in other.grids).values()) >= 3
    assert shapely.coverage_is_valid(polygons(other, "grids"))
    assert other.grids != drawn.grids


def test_the_command_writes_layers_that_say_their_system_and_that_they_are_synthetic(
    written: list[Path],
) -> None:
    assert [path.name for path in written] == [
        "county.geojson",
        *(f"{layer}.geojson" for layer in LAYERS),
        f"synthetic-{COUNTY}.geojson.gz",
    ]
    for path in written[:-1]:
        document = json.loads(path.read_text(encoding="utf-8"))
        assert document["crs"]["properties"]["name"] == "urn:ogc:def:crs:EPSG::4490"
        assert all(one["properties"]["synthetic"] is True for one in document["features"])
        assert {one["properties"]["layer"] for one in document["features"]} == {path.stem}


def _facts(one: object) -> dict[str, object]:
    return {name: getattr(one, name) for name in type(one).__slots__}


@settings(deadline=None, max_examples=40)
@given(
    st.integers(4, 9),
    st.integers(4, 9),
    st.lists(st.floats(1, 5), min_size=1, max_size=5),
    st.data(),
)
def test_regions_are_connected_and_take_every_cell(
    columns: int, rows: int, targets: list[float], data: st.DataObject
) -> None:
    cells = {(x, y): x * rows + y for x in range(columns) for y in range(rows)}
    neighbours = {
        number: [
            cells[place]
            for place in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1))
            if place in cells
        ]
        for (x, y), number in cells.items()
    }
    places = {number: (float(x), float(y)) for (x, y), number in cells.items()}
    seeds = data.draw(
        st.lists(
            st.sampled_from(sorted(places)),
            min_size=len(targets),
            max_size=len(targets),
            unique=True,
        )
    )
    regions = partition(neighbours, places, seeds=seeds, targets=targets)
    assert set(regions) == set(places)
    assert set(regions.values()) == set(range(len(targets)))
    for region in range(len(targets)):
        assert is_connected(neighbours, [one for one, own in regions.items() if own == region])
