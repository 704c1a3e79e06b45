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
_ROW = re.compile(rb"<(?:\w+:)?row\b")
#: No mark < stands inside an element's mark, while > may.
_NUMBER = re.compile(rb"""[^<]*?\br\s*=\s*["']\s*([0-9]{1,100})""")
_CELL = re.compile(rb"<(?:\w+:)?c\b")
_PLACE = re.compile(rb"""<(?:\w+:)?c\s[^<]*?\br\s*=\s*["']\s*([A-Za-z]{1,100})([0-9]{1,100})""")
#: What the reader leaves out of a paragraph of OpenDocument: where a line ends inside it, and a tab.
_SPACING = re.compile(rb"<((?:\w+:)?(?:line-break|tab))\s*(?:/>|>\s*</\1\s*>)")
_CONTENT = "content.xml"
#: What a file of Excel's, or the list of parts of an OpenDocument, holds when a password protects it.
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_PARTS = "META-INF/manifest.xml"
_ENCRYPTED_PARTS = (b"encryption-data", b"encrypted-package")
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
            raw = _with_spacing(raw, _check_size(raw))
        elif _ENCRYPTED in raw:
            raise _protected()
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
        raise _protected() from None
    except (*_ERRORS, DefusedXmlException, ElementTree.ParseError) as error:
        raise Unreadable(
            f"This looks like a workbook and cannot be read as one ({error}). Save it as .xlsx, .ods or CSV (UTF-8)."
        ) from None


def _protected() -> Unreadable:
    return Unreadable("This workbook is protected by a password: save it without one first.")


def _too_large() -> Unreadable:
    return Unreadable(
        f"This workbook is larger than {LARGEST // 1024 // 1024} MB when it is unpacked. Save the sheet with the "
        "comments as CSV (UTF-8)."
    )


def _check_size(raw: bytes) -> bytes:
    """The content of an OpenDocument, else nothing. Raises Unreadable for a workbook that would take much more memory
    than its file has bytes.

    Parts are unpacked for it: what a part says of its own size need not be so.
    """
    total, text = 0, b""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        # The list of parts is the last one in a file, and tells first whether the others can be read.
        for part in sorted(archive.infolist(), key=lambda part: part.filename != _PARTS):
            with archive.open(part) as file:
                content = io.BytesIO()
                while piece := file.read(1024 * 1024):
                    total += len(piece)
                    if total > LARGEST:
                        raise _too_large()
                    content.write(piece)
            content.seek(0)
            written = content.getvalue()
            if part.filename == _PARTS and any(mark in written for mark in _ENCRYPTED_PARTS):
                raise _protected()
            if part.filename == "xl/workbook.bin":
                raise Unreadable("This is a binary workbook: save it as .xlsx, .ods or CSV (UTF-8).")
            if part.filename == _CONTENT:
                cells, text = _cells_of_ods(content), written
            elif b"sheetData" in written:  # a sheet of Excel's, which may have any name
                cells = _cells_of_xlsx(written)
            else:
                continue
            if cells > MOST_CELLS:
                raise Unreadable(
                    f"A sheet of this workbook is {cells:,} cells large, most of them empty: something stands far "
                    "below or beside the table. Delete it, or save the table as CSV (UTF-8)."
                )

    return text


def _with_spacing(raw: bytes, text: bytes) -> bytes:
    """The workbook with line ends and tabs where elements stand for them in `text`, its content: without them words
    would become one."""
    if not _SPACING.search(text):
        return raw
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as archive, zipfile.ZipFile(out, "w") as written:
        for part in archive.infolist():
            is_content = part.filename == _CONTENT
            content = _SPACING.sub(_spaced, text) if is_content else archive.read(part)
            written.writestr(part.filename, content)
    return out.getvalue()


def _spaced(found: re.Match[bytes]) -> bytes:
    return b"&#9;" if found[1].endswith(b"tab") else b"&#10;"


def _cells_of_xlsx(content: bytes) -> int:
    """Cells from the first to the last that is written; those that do not say where they are follow each other."""
    rows = columns = at = 0
    for row in _ROW.split(content)[1:]:
        found = _NUMBER.match(row)
        at = int(found[1]) if found else at + 1
        places = [(_column(letters), int(number)) for letters, number in _PLACE.findall(row)]
        rows = max(rows, at, *(number for _, number in places))
        columns = max(columns, len(_CELL.findall(row)), *(column for column, _ in places))
    return rows * columns


def _column(letters: bytes) -> int:
    column = 0
    for letter in letters:
        column = column * 26 + (letter & 0xDF) - ord("A") + 1
    return column


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
