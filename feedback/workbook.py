"""A table as a workbook (.xlsx, ECMA-376), made of text and numbers alone: no formula, no link, nothing that runs."""

import io
import itertools
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape

from feedback.domain.cells import xml_text

#: A cell holds so much (Excel's limits); the rest is left out, as Excel would.
MOST_LETTERS = 32_767
#: Rows of one sheet.
MOST_ROWS = 1_048_576

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"

_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument'
    '.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/'
    'vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" '
    f'Type="{_RELATION}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATION}"><sheets>'
    '<sheet name="Responses" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" '
    f'Type="{_RELATION}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}

#: Where a text would be read as the code of a letter (ECMA-376, 22.9.2.19): its first mark is written as a code.
_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")

#: Bytes that leave together.
PIECE = 64 * 1024

KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def pieces(rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """The workbook piece by piece, in constant memory. Numbers stay numbers; everything else is text."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in _PARTS.items():
            archive.writestr(name, _XML + body)
        with archive.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
            for row in itertools.islice(rows, MOST_ROWS):
                sheet.write(f"<row>{''.join(map(_cell, row))}</row>".encode())
                if sink.waiting() >= PIECE:
                    yield sink.taken()
            sheet.write(b"</sheetData></worksheet>")
    yield sink.taken()


def _cell(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"<c><v>{value}</v></c>"
    if value is None or value == "":
        return "<c/>"
    text = escape(_ESCAPE.sub("_x005F_", xml_text(str(value))[:MOST_LETTERS]))
    return f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


class _Sink(io.RawIOBase):
    """What the archive writes, until it is taken."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        self._size += len(piece)
        return len(piece)

    def waiting(self) -> int:
        """How many bytes are to be taken."""
        return self._size

    def taken(self) -> bytes:
        """All of them."""
        found = b"".join(self._pieces)
        self._pieces, self._size = [], 0
        return found
