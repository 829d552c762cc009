"""Villages, polygons and files for tests of areas."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psycopg
import pyogrio.raw
import shapely
from shapely import Polygon

from tests.people import Person

CELL = 0.01
FORM = {
    "base_map": "orthophoto",
    "scale": "2000",
    "surveyed_on": "2025-05-01",
    "map_review_number": "测审〔2025〕001号",
}


@dataclass(frozen=True)
class TestVillage:
    """A village made for one test: `columns` x `rows` cells of 0.01 degrees, no grids yet."""

    __test__ = False

    code: str
    west: float
    south: float
    columns: int
    rows: int

    @property
    def boundary(self) -> Polygon:
        return self.area(0, 0, self.columns, self.rows)

    def cell(self, column: int, row: int) -> Polygon:
        """The cell in that column from the west and row from the north."""
        return self.area(column, row, column + 1, row + 1)

    def area(self, left: float, top: float, right: float, bottom: float) -> Polygon:
        """The rectangle between these lines, counted in cells from the north-west."""
        north = self.south + self.rows * CELL
        return shapely.box(
            *(round(v, 9) for v in (self.west + left * CELL, north - bottom * CELL,
                                    self.west + right * CELL, north - top * CELL))
        )  # fmt: skip

    def cells(self) -> list[Polygon]:
        """All cells, row by row from the north, each from the west."""
        return [self.cell(c, r) for r in range(self.rows) for c in range(self.columns)]


def make_village(
    database_url: str, number: int, columns: int = 2, rows: int = 2, township: str = "511723001"
) -> TestVillage:
    """A new village with code township + 9NN, far from the others."""
    code = f"{township}9{number:02}"
    village = TestVillage(
        code, 108.6 + (number % 10) * 0.08, 31.4 + (number // 10) * 0.08, columns, rows
    )
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO division (code, level, name, valid_from, geom, synthetic, source)"
            " VALUES (%s, 'village', %s, '2020-01-01', ST_GeomFromWKB(%s, 4490), true, 'test')",
            (code, f"测试村{number}", shapely.to_wkb(village.boundary)),
        )
    return village


def feature(polygon: Any, village: str | None = None, **properties: Any) -> dict[str, Any]:
    """One GeoJSON feature; `polygon` may be None or a ready geometry."""
    geometry = json.loads(shapely.to_geojson(polygon)) if hasattr(polygon, "wkb") else polygon
    if village is not None:
        properties = {"village_code": village, **properties}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def geojson(features: Sequence[dict[str, Any]], crs: str | None = "EPSG:4490") -> bytes:
    """A FeatureCollection, with a crs member unless `crs` is None."""
    document: dict[str, Any] = {"type": "FeatureCollection", "features": list(features)}
    if crs is not None:
        document["crs"] = {"type": "name", "properties": {"name": crs}}
    return json.dumps(document, ensure_ascii=False).encode()


def drawn(village: TestVillage, crs: str | None = "EPSG:4490") -> bytes:
    """The village's cells as basic grids."""
    return geojson([feature(cell, village.code) for cell in village.cells()], crs)


def table_file(
    polygons: Sequence[Polygon],
    fields: dict[str, list[Any]],
    *,
    driver: str,
    crs: str | None = "EPSG:4490",
    encoding: str | None = None,
) -> bytes:
    """A GeoPackage, or a zipped Shapefile, with these polygons and fields."""
    with tempfile.TemporaryDirectory() as folder:
        suffix = "gpkg" if driver == "GPKG" else "shp"
        path = Path(folder) / f"grids.{suffix}"
        pyogrio.raw.write(
            path,
            shapely.to_wkb(np.array(polygons, dtype=object)),
            [np.array(values, dtype=object) for values in fields.values()],
            [name[:10] if suffix == "shp" else name for name in fields],
            geometry_type="Polygon",
            crs=crs,
            driver=driver,
            encoding=encoding,
        )
        if suffix == "gpkg":
            return path.read_bytes()
        return zipped({p.name: p.read_bytes() for p in Path(folder).iterdir()})


def zipped(members: dict[str, bytes]) -> bytes:
    """A zip archive with these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


async def submit(
    person: Person, content: bytes, area: str, *, headers: dict[str, str] | None = None, **form: str
) -> httpx.Response:
    """POST a delineation of `area`; a form field given as "" is left out."""
    fields = {k: v for k, v in {**FORM, "area_code": area, **form}.items() if v != ""}
    return await person.http.post(
        "/v1/delineations", data=fields, files={"file": ("grids", content)}, headers=headers
    )


async def published(person: Person, content: bytes, area: str, **form: str) -> dict[str, Any]:
    """Submit and publish; the answer to the publication."""
    sent = await submit(person, content, area, **form)
    assert sent.status_code == 201, sent.text
    assert sent.json()["status"] == "checked", await findings(person, sent.json()["id"])
    done = await person.post(f"/v1/delineations/{sent.json()['id']}/publish")
    assert done.status_code == 200, done.text
    answer: dict[str, Any] = done.json()
    return answer


async def findings(person: Person, delineation: str) -> list[str]:
    """Codes of the findings that are errors or warnings, without the sizes report."""
    answer = await person.get(f"/v1/delineations/{delineation}/findings")
    assert answer.status_code == 200, answer.text
    told = [one["properties"] for one in answer.json()["features"]]
    return [p["code"] for p in told if p["severity"] != "info"]
