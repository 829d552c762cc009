"""Writes a list as CSV or XLSX into a file of its own, row by row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import IO, Protocol

import xlsxwriter

from service.dispatch.export.cells import HEADINGS

BOM = b"\xef\xbb\xbf"
WIDE = {1: 24, 15: 60, 17: 40}
WIDTH = 18


class Sheet(Protocol):
    """A list on its way into a file."""

    media_type: str
    suffix: str

    def write(self, rows: Iterable[Sequence[str]]) -> None:
        """Add rows."""

    def finish(self) -> None:
        """Complete the file."""


class CsvSheet:
    """UTF-8 with a byte order mark, which spreadsheets need to read Chinese (RFC 4180)."""

    media_type, suffix = "text/csv", "csv"

    def __init__(self, file: IO[bytes], mark: str) -> None:
        file.write(BOM)
        self._text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
        self._writer = csv.writer(self._text)
        self._writer.writerow(HEADINGS)

    def write(self, rows: Iterable[Sequence[str]]) -> None:
        """Add rows."""
        self._writer.writerows(rows)

    def finish(self) -> None:
        """Complete the file."""
        self._text.detach()


class XlsxSheet:
    """A workbook of one sheet; rows go to the disk as they come, texts are never formulas."""

    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    suffix = "xlsx"

    def __init__(self, file: IO[bytes], mark: str) -> None:
        self._book = xlsxwriter.Workbook(file, {"constant_memory": True})
        self._book.set_properties({"title": "事件清单 Incidents", "comments": mark})
        self._sheet = self._book.add_worksheet("事件清单")
        self._sheet.freeze_panes(1, 0)
        self._sheet.set_landscape()
        self._sheet.repeat_rows(0)
        self._sheet.set_footer(f"&L{mark.replace('&', '&&')}&R&P / &N")
        for column in range(len(HEADINGS)):
            self._sheet.set_column(column, column, WIDE.get(column + 1, WIDTH))
        bold = self._book.add_format({"bold": True})
        for column, heading in enumerate(HEADINGS):
            self._sheet.write_string(0, column, heading, bold)
        self._next = 1

    def write(self, rows: Iterable[Sequence[str]]) -> None:
        """Add rows."""
        for row in rows:
            for column, text in enumerate(row):
                self._sheet.write_string(self._next, column, text)
            self._next += 1

    def finish(self) -> None:
        """Complete the file."""
        self._book.close()
