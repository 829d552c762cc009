"""Exports: a case as a PDF, lists as CSV and XLSX; nothing runs, nothing leaves unrecorded."""

from __future__ import annotations

import csv
import hashlib
import io
from typing import Any

import openpyxl
import psycopg
import pytest
from pypdf import PdfReader

from service.dispatch.export import actions
from service.dispatch.export.cells import FORMULA, harmless
from tests.cases import UNIT, Place
from tests.consoles import give_co_units
from tests.people import People, Person

CSV, XLSX = "/v1/dispatch/export.csv", "/v1/dispatch/export.xlsx"
EVIL = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "  =HYPERLINK(1)"]


async def csv_rows(who: Person, **params: Any) -> list[dict[str, str]]:
    answer = await who.get(CSV, params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert int(answer.headers["content-length"]) == len(answer.content)
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


async def xlsx_rows(who: Person, **params: Any) -> list[dict[str, Any]]:
    answer = await who.get(XLSX, params=params)
    assert answer.status_code == 200, answer.text
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    assert sheet is not None
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n"}
    head, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(map(str, head), row, strict=True)) for row in rows]


def exports(database_url: str, who: Person) -> list[tuple[str, dict[str, Any], list[str]]]:
    """What is on record of the exports of this person."""
    with psycopg.connect(database_url) as connection:
        return connection.execute(
            "SELECT event, payload, clauses FROM case_event WHERE case_kind = 'export'"
            " AND actor_id = %s ORDER BY id",
            (who.id,),
        ).fetchall()


async def test_both_formats_hold_the_same_filtered_list(places: list[Place]) -> None:
    place = places[0]
    made = [await place.report(description=f"井盖缺失 {n}，\n“两行”") for n in range(3)]
    closed = await place.report(category="0601", self_handled={"note": "已清"})
    params = {"source": "incidents", "area": place.spot.grid, "category": "0502"}
    rows = await csv_rows(place.township, **params)
    assert [row["编号 Number"] for row in rows] == [case["number"] for case in reversed(made)]
    assert rows[0]["描述 Description"] == made[-1]["description"]
    assert rows[0]["类别名称 Name"]
    assert rows[0]["状态 State"] == "已上报"
    assert all(place.township.login in row["导出 Exported"] for row in rows)
    found = await xlsx_rows(place.township, **params)
    bare = [{k: v or "" for k, v in row.items() if not k.startswith("导出")} for row in found]
    assert bare == [{k: v for k, v in row.items() if not k.startswith("导出")} for row in rows]
    everything = await csv_rows(place.township, source="incidents", area=place.spot.grid)
    assert closed["number"] in [row["编号 Number"] for row in everything]
    still_open = await csv_rows(place.township, source="incidents", area=place.spot.grid, open=True)
    assert closed["number"] not in [row["编号 Number"] for row in still_open]


async def test_an_export_of_the_queue_goes_through_all_its_pages(
    places: list[Place], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = places[1]
    monkeypatch.setattr(actions, "PAGE", 2)
    made = [(await place.report()) for _ in range(5)]
    for case in made:
        assert (await place.act(place.worker, case, "escalate")).status_code == 200
    rows = await csv_rows(place.village)
    assert {case["number"] for case in made} <= {row["编号 Number"] for row in rows}
    assert len({row["编号 Number"] for row in rows}) == len(rows)
    give_co_units(database_url, made[0]["id"], [UNIT])
    handlers = await csv_rows(place.handler, area=place.spot.grid)
    assert [row["编号 Number"] for row in handlers] == [made[0]["number"]]


async def test_no_cell_runs_as_a_formula(places: list[Place]) -> None:
    place = places[2]
    for text in EVIL:
        await place.report(description=f"{text}，x" if text.strip() == text else f"x{text}")
    rows = await csv_rows(place.township, source="incidents", area=place.spot.grid)
    cells = [cell for row in rows for cell in row.values()]
    assert "'=1+1，x" in cells
    assert not [cell for cell in cells if cell.lstrip(" ").startswith(FORMULA)]
    for row in await xlsx_rows(place.township, source="incidents", area=place.spot.grid):
        assert not [c for c in row.values() if isinstance(c, str) and c.startswith(FORMULA)]


@pytest.mark.parametrize("text", EVIL)
def test_what_would_be_a_formula_gets_an_apostrophe(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "井盖", "1+1", "a=b", "'=1", "L2", "2026-01-01"])
def test_a_harmless_text_stays_as_it_is(text: str) -> None:
    assert harmless(text) == text


async def test_each_export_is_on_record_with_what_went_out(
    places: list[Place], people: People, database_url: str
) -> None:
    place = places[0]
    who = people.make(("township_dispatcher", place.spot.township))
    case = await place.report()
    listed = await who.get(CSV, params={"source": "incidents", "area": place.spot.grid})
    pdf = await who.get(f"/v1/incidents/{case['id']}/export.pdf")
    (first, listing, clauses), (second, filed, _) = exports(database_url, who)
    assert (first, second) == ("export.list_exported", "export.case_exported")
    assert listing["sha256"] == hashlib.sha256(listed.content).hexdigest()
    assert listing["rows"] == len(await csv_rows(who, source="incidents", area=place.spot.grid))
    assert (listing["source"], listing["area"]) == ("incidents", place.spot.grid)
    assert filed["sha256"] == hashlib.sha256(pdf.content).hexdigest()
    assert filed["incident"] == case["id"]
    assert clauses == ["23.2", "31.3"]


async def test_a_list_that_is_too_long_is_refused_whole(
    place: Place, people: People, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = people.make(("county_dispatcher", place.spot.county))
    for _ in range(4):
        await place.report()
    monkeypatch.setattr(actions, "MAX_ROWS", 3)
    for path in (CSV, XLSX):
        answer = await who.get(path, params={"source": "incidents"})
        assert (answer.status_code, answer.json()["code"]) == (422, "export_too_large")
    assert exports(database_url, who) == []


async def test_a_case_file_tells_the_whole_case(places: list[Place]) -> None:
    place = places[0]
    contact = {"name": "李明", "phone": "13800001234"}
    case = await place.bring_to("closed", contact=contact, description="人行道窨井盖缺失" * 200)
    answer = await place.county.get(f"/v1/incidents/{case['id']}/export.pdf")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"] == f'attachment; filename="{case["number"]}.pdf"'
    reader = PdfReader(io.BytesIO(answer.content))
    texts = [page.extract_text().replace("\0", "") for page in reader.pages]
    text = "".join(texts)
    assert len(texts) >= 2
    for told in (case["number"], "已结案", "结案", "人行道窨井盖缺失", "已修复", "23.2",
                 place.county.login, f"/ {len(reader.pages)}"):  # fmt: skip
        assert told in text, told
    for hidden in ("13800001234", "李明"):
        assert hidden not in text
    assert "138****1234" in text
    assert all(place.county.login in page for page in texts)
    for page in reader.pages:
        for font in page["/Resources"]["/Font"].values():
            (inner,) = font.get_object()["/DescendantFonts"]
            descriptor = inner.get_object()["/FontDescriptor"]
            assert {"/FontFile2", "/FontFile3"} & descriptor.keys(), "the font must be embedded"


async def test_who_may_not_read_or_export_gets_nothing(
    places: list[Place], people: People, database_url: str
) -> None:
    here, there = places[0], places[1]
    case = (await here.report())["id"]
    path = f"/v1/incidents/{case}/export.pdf"
    assert (await there.township.get(path)).status_code == 404
    assert (await here.worker.get(path)).status_code == 403
    assert (await here.handler.get(path)).status_code == 404
    assert (await here.auditor.get(path)).status_code == 200
    for who in (here.worker, here.agent, here.administrator, here.system):
        for url in (CSV, XLSX):
            assert (await who.get(url)).status_code == 403
    # Who may export in one place takes nothing along that it may only read in another.
    both = people.make(
        ("grid_worker", here.spot.grid), ("township_dispatcher", there.spot.township)
    )
    rows = await csv_rows(both, source="incidents")
    assert {row["网格 Grid"][:9] for row in rows} <= {there.spot.township}
    assert exports(database_url, here.worker) == []


@pytest.mark.parametrize(
    "params",
    [
        {"source": "everything"}, {"source": "queue", "since": "2026-01-01T00:00:00Z"},
        {"open": "true"}, {"q": "x"}, {"source": "incidents", "colour": "red"},
        {"source": "incidents", "mine": "true"}, {"source": "incidents", "unit": UNIT},
        {"limit": 5}, {"cursor": "x"}, {"state": "flying"}, {"area": "51172"},
    ],
)  # fmt: skip
async def test_a_filter_that_does_not_belong_is_a_clear_problem(
    place: Place, params: dict[str, Any]
) -> None:
    for path in (CSV, XLSX):
        answer = await place.township.get(path, params=params)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"]
