"""A table as a workbook, read by somebody else's reader."""

import io

from python_calamine import CalamineWorkbook

from feedback import workbook


def test_a_workbook_is_read_as_it_was_written():
    nasty = '=HYPERLINK("x")&<b>\x00\x0b\ufffe \' \n\u202e😀'
    rows = [("id", "score", "comment"), ("a", 9, nasty), ("b", None, "x" * 40_000), ("c", 0.5, "")]
    content = b"".join(workbook.pieces(iter(rows)))
    (sheet,) = CalamineWorkbook.from_filelike(io.BytesIO(content)).sheet_names
    found = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name(sheet).to_python()
    assert found[0] == list(rows[0])
    assert found[1] == ["a", 9, '=HYPERLINK("x")&<b> \' \n\u202e😀']
    assert found[2] == ["b", "", "x" * workbook.MOST_LETTERS]
    assert found[3] == ["c", 0.5, ""]
    assert b"<f>" not in content
