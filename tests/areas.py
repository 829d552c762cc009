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

from service.areas.schemas import changes as change_schemas
from service.areas.schemas import grids as schemas
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


async def codes_in_force(person: Person, village: TestVillage) -> list[str]:
    answer = await person.get(f"/v1/grids?area={village.code}&limit=200")
    return [grid["code"] for grid in answer.json()["items"]]


def count(database_url: str, table: str) -> int:
    with psycopg.connect(database_url) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(row[0]) if row else -1


def shape(polygon: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shapely.to_geojson(polygon))
    return found


def halves(village: TestVillage) -> list[dict[str, Any]]:
    """The first grid in a western and an eastern half."""
    return [{"geometry": shape(village.area(0, 0, 0.5, 1)), "name": "西半"},
            {"geometry": shape(village.area(0.5, 0, 1, 1)), "households": 12}]  # fmt: skip


async def grid(person: Person, code: str, more: str = "") -> schemas.Grid:
    answer = await person.get(f"/v1/grids/{code}{more}")
    assert answer.status_code == 200, answer.text
    shown = schemas.Grid.model_validate_json(answer.content)
    assert answer.headers["etag"] == f'"{shown.version}"'
    return shown


async def lineage(person: Person, code: str) -> schemas.Lineage:
    return schemas.Lineage.model_validate_json(
        (await person.get(f"/v1/grids/{code}/lineage")).content
    )


async def changed(answer: httpx.Response) -> change_schemas.GridChange:
    assert answer.status_code == 200, answer.text
    return change_schemas.GridChange.model_validate_json(answer.content)


async def walk(person: Person, query: str) -> list[schemas.GridRow]:
    rows: list[schemas.GridRow] = []
    cursor = None
    while True:
        answer = await person.get(f"/v1/grids?{query}" + (f"&cursor={cursor}" if cursor else ""))
        assert answer.status_code == 200, answer.text
        page = schemas.GridPage.model_validate_json(answer.content)
        rows += page.items
        cursor = page.next
        if cursor is None:
            return rows
