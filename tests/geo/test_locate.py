"""Which grid is where: one answer for each position, on borders and corners too."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point, Polygon

from geo.codes import GridKind
from geo.locate import CannotIndex, GridIndex, Located
from geo.synthetic import load
from tests.geo.lattice import STEP, Lattice, Node, lattices, plain, square

Row = tuple[str, GridKind, Polygon, bool]

BASIC, DEDICATED, TEMPORARY = GridKind.BASIC, GridKind.DEDICATED, GridKind.TEMPORARY
quick = settings(deadline=None, max_examples=25)


def index_of(rows: Sequence[Row]) -> GridIndex:
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
    return GridIndex(*columns)


def rows_of(lattice: Lattice) -> list[Row]:
    return [
        (f"{one.village_code}0{one.index + 1:02}", BASIC, one.geometry, False)
        for one in lattice.features
    ]


def same(index: GridIndex, points: Sequence[Node]) -> list[Located | None]:
    """The answers for the points, one by one; the batch gives the same, or the test fails."""
    single = [index.locate(x, y) for x, y in points]
    many = index.locate_many([x for x, _ in points], [y for _, y in points])

    def code(place: int) -> str | None:
        return index.codes[place] if place >= 0 else None

    assert [one and one.grid_code for one in single] == [code(at) for at in many.grid]
    assert [one and one.basic_code for one in single] == [code(at) for at in many.basic]
    assert [one and one.micro_code for one in single] == [code(at) for at in many.micro]
    return single


@quick
@given(lattices(), st.randoms(use_true_random=False), st.data())
def test_each_position_has_one_answer_whatever_the_order_of_the_grids(
    lattice: Lattice, order: Random, data: st.DataObject
) -> None:
    rows = rows_of(lattice)
    nodes = list(lattice.nodes.values())
    ends = data.draw(st.lists(st.tuples(st.sampled_from(nodes), st.sampled_from(nodes))))
    between = [((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for a, b in ends]
    expected = [
        min((code for code, _, polygon, _ in rows if polygon.intersects(Point(at))), default=None)
        for at in [*nodes, *between]
    ]
    shuffled = list(rows)
    order.shuffle(shuffled)
    for some in (rows, shuffled):
        answers = same(index_of(some), [*nodes, *between])
        assert [one and one.grid_code for one in answers] == expected
    assert None not in expected[: len(nodes)]


@quick
@given(lattices(), st.data())
def test_the_direction_and_start_of_a_ring_do_not_matter(
    lattice: Lattice, data: st.DataObject
) -> None:
    rows = rows_of(lattice)
    turned = []
    for code, kind, polygon, micro in rows:
        ring = list(polygon.exterior.coords)[:-1]
        start = data.draw(st.integers(0, 3))
        way = data.draw(st.sampled_from([1, -1]))
        turned.append((code, kind, Polygon((ring[start:] + ring[:start])[::way]), micro))
    # On no vertex, but on a border up to the rounding of the coordinates.
    share = data.draw(st.floats(0, 1))
    edges = [
        (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share)
        for column, row in lattice.cells
        for a, b in zip(lattice.ring(column, row), lattice.ring(column, row)[1:], strict=False)
    ]
    assert same(index_of(rows), edges) == same(index_of(turned), edges)


VILLAGE = "511723001001"
LAYERS: list[Row] = [
    (f"{VILLAGE}001", BASIC, square(0, 0), False),
    (f"{VILLAGE}002", BASIC, square(1, 0), False),
    (f"{VILLAGE}801", DEDICATED, square(0.5, 0.5, 0.25), False),
    (f"{VILLAGE}802", DEDICATED, square(0.6, 0.6, 0.25), False),
    (f"{VILLAGE}901", TEMPORARY, square(0.4, 0.4, 2), False),
    (f"{VILLAGE}00101", BASIC, square(0, 0, 0.5), True),
    (f"{VILLAGE}00102", BASIC, square(0.5, 0, 0.5), True),
    (f"{VILLAGE}00201", BASIC, square(1, 0), True),
]


@pytest.mark.parametrize(
    ("place", "grid", "basic", "micro"),
    [
        pytest.param((0.1, 0.9), "001", "001", None, id="a basic grid"),
        pytest.param((0.1, 0.1), "001", "001", "00101", id="a micro-grid is told beside its grid"),
        pytest.param((0.55, 0.55), "801", "001", None, id="dedicated goes before basic"),
        pytest.param((0.7, 0.7), "801", "001", None, id="of two dedicated grids the lower code"),
        pytest.param((0.8, 0.8), "802", "001", None, id="only the second dedicated grid is here"),
        pytest.param((0.45, 0.9), "001", "001", None, id="basic goes before temporary"),
        pytest.param((1.5, 1.5), "901", None, None, id="temporary where nothing else is"),
        pytest.param((1.0, 0.2), "001", "001", "00102", id="a border: micro-grid of the same grid"),
        pytest.param((1.0, 0.8), "001", "001", None, id="a border: no micro-grid of the other"),
        pytest.param((0.5, 0.2), "001", "001", "00101", id="between micro-grids the lower code"),
        pytest.param((1.2, 0.2), "002", "002", "00201", id="a micro-grid as large as its grid"),
    ],
)
def test_the_most_specific_grid_is_responsible(
    place: Node, grid: str, basic: str | None, micro: str | None
) -> None:
    west, south, _, _ = square(0, 0).bounds
    (found,) = same(index_of(LAYERS), [(west + place[0] * STEP, south + place[1] * STEP)])
    assert found is not None
    assert found.grid_code == VILLAGE + grid
    assert found.basic_code == (basic and VILLAGE + basic)
    assert found.micro_code == (micro and VILLAGE + micro)
    assert found.kind == next(kind for code, kind, _, _ in LAYERS if code == found.grid_code)


@pytest.mark.parametrize(
    "place",
    [(0.0, 0.0), (107.0, 31.0), (float("nan"), 31.05), (107.85, float("inf")), (1e300, -1e300)],
)
def test_where_no_grid_is_there_is_no_answer(place: Node) -> None:
    assert same(index_of(rows_of(plain())), [place]) == [None]


def test_an_index_without_grids_answers_nothing_and_no_positions_have_no_answers() -> None:
    assert same(index_of([]), [(107.85, 31.05)]) == [None]
    assert same(index_of(LAYERS), []) == []
    assert len(index_of([])) == 0


def test_a_code_given_twice_is_refused() -> None:
    with pytest.raises(CannotIndex, match=f"{VILLAGE}001") as caught:
        index_of([*LAYERS, LAYERS[0]])
    assert caught.value.grid_code == f"{VILLAGE}001"
    assert "编码重复" in caught.value.message_zh


def test_a_micro_grid_without_its_grid_is_refused() -> None:
    with pytest.raises(CannotIndex, match=f"{VILLAGE}00201") as caught:
        index_of([row for row in LAYERS if row[0] != f"{VILLAGE}002"])
    assert caught.value.code == "grid_index_impossible"


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        GridIndex(["1"], [BASIC], [square(0, 0)], [])
    with pytest.raises(ValueError, match="shape"):
        index_of(LAYERS).locate_many([1.0, 2.0], [1.0])


def test_every_vertex_of_a_county_is_answered_alike_by_many_threads() -> None:
    county = load()
    rows = [
        (f"{one.village_code}0{number:04}", BASIC, one.geometry, False)
        for number, one in enumerate(county.grids)
    ]
    vertices = shapely.get_coordinates([one.geometry for one in county.villages])[::5]
    index = index_of(rows)
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(lambda _: index.locate_many(vertices[:, 0], vertices[:, 1]).grid, range(8))
        )
    assert (answers[0] >= 0).all()
    for other in answers[1:]:
        np.testing.assert_array_equal(other, answers[0])
    polygons = {code: polygon for code, _, polygon, _ in rows}
    for (x, y), place in list(zip(vertices, answers[0], strict=True))[::50]:
        touching = [code for code, polygon in polygons.items() if polygon.intersects(Point(x, y))]
        assert index.codes[place] == min(touching)
        assert len(touching) > 1 or county.county.geometry.touches(Point(x, y))
