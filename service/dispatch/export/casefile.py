"""A case as a PDF: what it is, whose it is, every step with its clauses; fonts embedded.

Each page carries who exported it and when.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fpdf import FPDF
from fpdf.enums import WrapMode, XPos, YPos
from pylopdf_fonts_zh_cn import sans_path

from service.dispatch.export.cells import wall_clock
from service.incidents.workflow import INCIDENT, STATES, TIERS

FONT = "sans"
MARGIN, LINE = 15.0, 6.0
GREY, DARK, RULE = 120, 20, 200
LABEL_WIDTH = 42.0
VERBS = {step.action: f"{step.zh} {step.en}" for step in INCIDENT.steps}
# In a step's own words elsewhere on the page, or files that are listed as a number.
LEFT_OUT = {"note", "attachments", "position"}


class _Page(FPDF):
    """A4 with the watermark across and the footer of every page."""

    def __init__(self, mark: str, number: str) -> None:
        super().__init__(format="A4")
        self.mark, self.number = mark, number
        self.add_font(FONT, fname=sans_path())
        self.set_margins(MARGIN, MARGIN)
        self.set_auto_page_break(auto=True, margin=MARGIN + 8)
        self.alias_nb_pages()
        self.set_title(f"事件案卷 {number}")
        self.set_creator("gridward")

    def header(self) -> None:
        """The watermark, under the text of the page."""
        self.set_font(FONT, size=22)
        with self.local_context(fill_opacity=0.10, text_color=DARK):
            for row in range(3):
                with self.rotation(35, self.w / 2, self.h * (row + 1) / 4):
                    self.text(20, self.h * (row + 1) / 4, self.mark)
        self.set_xy(MARGIN, MARGIN)

    def footer(self) -> None:
        """Who exported it, and which page of how many."""
        self.set_y(-MARGIN)
        self.set_font(FONT, size=8)
        self.set_text_color(GREY)
        half = self.epw / 2
        self.cell(half, 5, f"{self.number} · {self.mark}")
        self.cell(half, 5, f"{self.page_no()} / {{nb}}", align="R")
        self.set_text_color(DARK)


def case_file(
    incident: dict[str, Any], steps: list[dict[str, Any]], category: str, mark: str
) -> bytes:
    """The PDF of an incident and its timeline as the API gives them to the caller."""
    page = _Page(mark, incident["number"])
    page.add_page()
    page.set_text_color(DARK)
    page.set_font(FONT, size=18)
    _line(page, "事件案卷 Case file", 12)
    for label, value in _facts(incident, category):
        _fact(page, label, value)
    _heading(page, "描述 Description")
    page.set_font(FONT, size=11)
    _block(page, incident["description"])
    _heading(page, f"办理过程 Steps（{len(steps)}）")
    for step in steps:
        _step(page, step)
    return bytes(page.output())


def _facts(incident: dict[str, Any], category: str) -> Iterator[tuple[str, str]]:
    holder, contact = incident["holder"], incident.get("contact") or {}
    yield "编号 Number", incident["number"]
    yield "类别 Category", f"{incident['category']} {category}"
    yield "级别 Level", f"L{incident['level']}"
    yield "状态 State", f"{STATES[incident['state']]} {incident['state']}"
    yield "层级 Tier", f"{TIERS.get(holder['tier'], holder['tier'])} {holder['area']}"
    yield "单位 Unit", holder["unit"] or "–"
    yield "网格 Grid", incident["grid_code"]
    lon, lat = incident["location"]["coordinates"]
    yield "位置 Position", f"{lon:.6f}, {lat:.6f}（CGCS2000）"
    yield "发生 Occurred", wall_clock(incident["occurred_at"])
    yield "上报 Reported", wall_clock(incident["reported_at"])
    if incident["closed_at"]:
        yield "结案 Closed", wall_clock(incident["closed_at"])
    if contact:
        yield "联系人 Contact", f"{contact.get('name') or '–'} {contact.get('phone') or ''}"
    yield "依据条款 Clauses", "、".join(incident["clauses"])
    yield "版本 Version", str(incident["version"])


def _step(page: _Page, step: dict[str, Any]) -> None:
    """One step; it begins on a new page rather than being torn after its first line."""
    if page.will_page_break(4 * LINE):
        page.add_page()
    page.set_font(FONT, size=11)
    verb = VERBS.get(step["action"], step["action"])
    _line(page, f"{step['seq']}. {wall_clock(step['recorded_at'])}  {verb}", LINE + 1)
    page.set_font(FONT, size=9)
    page.set_text_color(GREY)
    way = f"{STATES.get(step['from_state'], '–')} → {STATES.get(step['to_state'], '–')}"
    who = f"{step['actor_name'] or '系统 service'}（{step['actor_role'] or '–'}）"
    _block(page, f"{who}  {way}  条款 clauses {'、'.join(step['clauses'])}", 5)
    page.set_text_color(DARK)
    page.set_font(FONT, size=10)
    payload = step["payload"]
    if note := payload.get("note"):
        _block(page, note)
    more = [f"{key}: {value}" for key, value in payload.items() if key not in LEFT_OUT and value]
    if step["attachments"]:
        more.append(f"附件 files: {len(step['attachments'])}")
    if more:
        page.set_font(FONT, size=9)
        _block(page, "；".join(more), 5)
    page.set_draw_color(RULE)
    page.line(MARGIN, page.get_y() + 1.5, page.w - MARGIN, page.get_y() + 1.5)
    page.ln(3)


def _heading(page: _Page, text: str) -> None:
    page.ln(3)
    page.set_font(FONT, size=13)
    _line(page, text, 9)


def _fact(page: _Page, label: str, value: str) -> None:
    page.set_font(FONT, size=10)
    page.set_text_color(GREY)
    page.cell(LABEL_WIDTH, LINE, label)
    page.set_text_color(DARK)
    _block(page, value)


def _line(page: _Page, text: str, height: float) -> None:
    page.cell(0, height, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _block(page: _Page, text: str, height: float = LINE) -> None:
    page.multi_cell(
        0, height, text, align="L", wrapmode=WrapMode.CHAR, new_x=XPos.LMARGIN, new_y=YPos.NEXT
    )
