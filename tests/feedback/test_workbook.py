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


def test_what_looks_like_the_code_of_a_letter_stays_as_it_was_written():
    rows = [
        ("_x0041_", "a_x000D_b", "_x0041_x0042_", "_x005F_x0041_", "_x41_", "_xGGGG_", "__x0041__", "_X0041_")
    ]
    content = b"".join(workbook.pieces(iter(rows)))
    (found,) = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert found == list(rows[0])
