"""Cells of a box hold every point of it, and never many more."""

from __future__ import annotations

from geo.cells import cell_of, cells_in, cells_of


def test_cells_of_a_box_hold_every_point_of_it() -> None:
    box = (107.79, 30.99, 107.93, 31.11)
    cells = set(cells_of(*box))
    for i in range(100):
        lon = box[0] + (box[2] - box[0]) * (i * 37 % 100) / 99
        lat = box[1] + (box[3] - box[1]) * (i * 61 % 100) / 99
        assert cell_of(lon, lat) in cells
    assert cells_in(*box) <= len(cells) < 100
