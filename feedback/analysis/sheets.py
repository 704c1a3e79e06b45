"""Reads the sheets of a workbook (.xlsx, .xls, .ods) as rows of text."""

import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

import python_calamine
from defusedxml import DefusedXmlException, ElementTree

from feedback.analysis.encodings import Unreadable

ZIPPED, COMPOUND = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
LARGEST = 100 * 1024 * 1024  # bytes when unpacked
#: The reader keeps every cell between the first and the last one that hold something, 32 bytes each.
MOST_CELLS = 20_000_000

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_CELL = re.compile(rb'<(?:\w+:)?c\s[^>]*?\br="([A-Z]{1,3})([0-9]{1,7})"')
_ERRORS = (python_calamine.CalamineError, python_calamine.PasswordError, zipfile.BadZipFile, OSError)


class Sheet(NamedTuple):
    """One sheet: its name and its rows, whose cells are texts as a person would write them."""

    name: str
    rows: list[list[str]]


def is_workbook(raw: bytes) -> bool:
    """Whether `raw` begins as workbooks do."""
    return raw.startswith((ZIPPED, COMPOUND))


def read(raw: bytes) -> Iterator[Sheet]:
    """The sheets of a workbook that are to be seen, in their order. Raises Unreadable."""
    if len(raw) > LARGEST:
        raise _too_large()
    try:
        if raw.startswith(ZIPPED):
            _check_size(raw)
        book = python_calamine.load_workbook(io.BytesIO(raw))
        shown = [
            each.name
            for each in book.sheets_metadata
            if each.typ == python_calamine.SheetTypeEnum.WorkSheet
            and each.visible == python_calamine.SheetVisibleEnum.Visible
        ]
        for name in shown:
            rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
            yield Sheet(name, [[_text(cell) for cell in row] for row in rows])
    except python_calamine.PasswordError:
        raise Unreadable("This workbook is protected by a password: save it without one first.") from None
    except (*_ERRORS, DefusedXmlException, ElementTree.ParseError) as error:
        raise Unreadable(
            f"This looks like a workbook and cannot be read as one ({error}). Save it as .xlsx, .ods or CSV (UTF-8)."
        ) from None


def _too_large() -> Unreadable:
    return Unreadable(
        f"This workbook is larger than {LARGEST // 1024 // 1024} MB when it is unpacked. Save the sheet with the "
        "comments as CSV (UTF-8)."
    )


def _check_size(raw: bytes) -> None:
    """Raises Unreadable for a workbook that would take much more memory than its file has bytes.

    Parts are unpacked for it: what a part says of its own size need not be so.
    """
    total = 0
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        for part in archive.infolist():
            with archive.open(part) as file:
                content = io.BytesIO()
                while piece := file.read(1024 * 1024):
                    total += len(piece)
                    if total > LARGEST:
                        raise _too_large()
                    content.write(piece)
            content.seek(0)
            if re.fullmatch(r"xl/worksheets/[^/]+\.xml", part.filename):
                cells = _cells_of_xlsx(content.getvalue())
            elif part.filename == "content.xml":
                cells = _cells_of_ods(content)
            else:
                continue
            if cells > MOST_CELLS:
                raise Unreadable(
                    f"A sheet of this workbook is {cells:,} cells large, most of them empty: something stands far "
                    "below or beside the table. Delete it, or save the table as CSV (UTF-8)."
                )


def _cells_of_xlsx(content: bytes) -> int:
    """Cells from the first to the last that is written."""
    rows = columns = 1
    for letters, number in _CELL.findall(content):
        column = 0
        for letter in letters:
            column = column * 26 + letter - ord("A") + 1
        rows, columns = max(rows, int(number)), max(columns, column)
    return rows * columns


def _cells_of_ods(content: IO[bytes]) -> int:
    """The same of the largest sheet, where one element may stand for many rows or columns."""
    largest = row = rows = columns = 0
    for _, element in ElementTree.iterparse(content, forbid_dtd=True):
        if element.tag == f"{_TABLE}table-row":
            row += _repeated(element, "rows")
            width = at = 0
            for cell in element:
                at += _repeated(cell, "columns")
                if len(cell) or any("value" in name for name in cell.attrib):
                    width = at
            if width:
                rows, columns = row, max(columns, width)
            element.clear()
        elif element.tag == f"{_TABLE}table":
            largest = max(largest, rows * columns)
            row = rows = columns = 0
            element.clear()
    return largest


def _repeated(element: Any, what: str) -> int:
    text = element.get(f"{_TABLE}number-{what}-repeated", "1")
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 1


def _text(cell: Any) -> str:
    """A cell as it would stand in a CSV file: whole numbers without a point, dates as ISO 8601 writes them."""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat() if cell.time() == dt.time() else cell.isoformat(" ")
    return str(cell)
