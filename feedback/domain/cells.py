"""Foreign text in tables and XML: it stays text, whatever it looks like."""

import re
from typing import Any

#: What may part the columns of a table; spreadsheets of many countries expect a semicolon.
DELIMITERS = (",", ";", "\t", "|")

#: What makes a spreadsheet run a cell (OWASP, CSV injection), full-width forms included.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

#: What XML 1.0 does not allow, however it is escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def cell(value: Any) -> Any:
    """`value` for a CSV or XLSX cell: text that a spreadsheet would run gets an apostrophe in front."""
    if value is None:
        return ""
    if isinstance(value, str) and value.lstrip(" \u00a0\u3000").startswith(_FORMULA):
        return "'" + value
    return value


def xml_text(text: str) -> str:
    """`text` without the characters that would make an XML document unreadable."""
    return _NOT_XML.sub("", text)
