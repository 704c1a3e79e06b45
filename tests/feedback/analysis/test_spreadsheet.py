"""A table of comments comes back with its rows as they were and what was found beside them."""

import csv
import os
from functools import partial
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from feedback import commands
from feedback.analysis import sheets, spreadsheet
from feedback.analysis.spreadsheet import Columns, Feeling, Row, Subject
from tests.feedback.analysis import workbooks
from tests.feedback.comments import world
from wsgi import create_app


@pytest.fixture
def analyse(tmp_path: Path):
    def run(raw: bytes, called: Columns = spreadsheet.AS_NAMED) -> tuple[list[list[str]], list[Row]]:
        source, target = tmp_path / "in.csv", tmp_path / "out.csv"
        source.write_bytes(raw)
        seen: list[Row] = []

        def feelings(rows):
            seen.extend(rows)
            return [Feeling("positive", 0.5) if row.text else Feeling(None, None) for row in rows]

        def subjects(rows):
            return [
                Subject("top_1", "Label", "thm_1", "Above") if row.text else Subject("", "") for row in rows
            ]

        spreadsheet.analyse(source, target, feelings, subjects, called=called)
        before = csv.field_size_limit(10**6)
        with target.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
        csv.field_size_limit(before)
        return rows, seen

    return run


def test_what_was_found_is_added_to_each_row(analyse):
    rows, seen = analyse(b"id,text,score,question,language\n1,good,0.9,Why?,en\n2,,,,\n")
    assert rows == [
        [
            "id",
            "text",
            "score",
            "question",
            "language",
            "sentiment",
            "sentiment_score",
            "topic",
            "topic_label",
            "theme",
            "theme_label",
        ],
        ["1", "good", "0.9", "Why?", "en", "positive", "0.5000", "top_1", "Label", "thm_1", "Above"],
        ["2", "", "", "", "", "", "", "", "", "", ""],
    ]
    assert seen == [Row("good", 0.9, "Why?", "en"), Row("", None, None, None)]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"text\nplain\n", "plain"),
        ("\ufefftext\nwith a mark\n".encode(), "with a mark"),
        ("text\ncaf\u00e9\n".encode("utf-16"), "caf\u00e9"),
        (
            "text\ncaf\u00e9 tr\u00e8s tr\u00e8s agr\u00e9able \u2013 \u00e0 bient\u00f4t\n".encode("cp1252"),
            "caf\u00e9 tr\u00e8s tr\u00e8s agr\u00e9able \u2013 \u00e0 bient\u00f4t",
        ),
        (
            "text\ncaf\u00e9 na\u00efve \u00fcber ".encode() + b"\xff\n",
            "caf\u00e9 na\u00efve \u00fcber \ufffd",
        ),
        (b"id;text\n1;a, b\n", "a, b"),
        (b"id\ttext\n1\ttabs\n", "tabs"),
        (b"id|text\n1|bars\n", "bars"),
        (b'text,id\n"two\nlines, and ""quotes""",1\n', 'two\nlines, and "quotes"'),
        (b"text\r\nwindows\r\n", "windows"),
        (b" Text ,x\nloose header,1\n", "loose header"),
        (b"text\nhello, world, again\n", "hello, world, again"),
        (b"text\n" + b"x" * 300_000 + b"\n", "x" * 300_000),
        ("text\nline\u2028separator\x0cfeed\n".encode(), "line\u2028separator\x0cfeed"),
        (b"text,id\n=1+1,2\n", "=1+1"),
        (b"\n , \n\ntext,id\nafter blank lines,1\n", "after blank lines"),
        (b'text,id\n"old\rMac",2\n', "old\rMac"),
        (b"text,id\nnul\x00inside,2\n", "nul\x00inside"),
        # Only by a comma, which parts nothing here, would the mark begin a cell.
        (b'id\ttext\n1\tThey said,"wait here\n', 'They said,"wait here'),
        ("\ufeff\ufefftext\ntwice marked\n".encode(), "twice marked"),
        (b'text\n"closed at the very end"', "closed at the very end"),
        (b'id,text\n1,a 5" pipe\n', 'a 5" pipe'),
    ],
)
def test_tables_are_read_as_they_come(analyse, raw, text):
    rows, seen = analyse(raw)
    assert [row.text for row in seen] == [text]
    assert text in rows[1]


@pytest.mark.parametrize("first", ["sep=;", "SEP=;\r", '"sep=;"', "\ufeffsep=;"])
def test_the_line_that_names_the_separator_is_none_of_the_table(analyse, first):
    rows, seen = analyse(f"{first}\nid,text;text\n1;a, b\n".encode())
    assert rows[0][:2] == ["id,text", "text"]
    assert [row.text for row in seen] == ["a, b"]
    with pytest.raises(spreadsheet.Unreadable, match="Row 2 has the score 7"):
        analyse(f"{first}\ntext;score\ngood;7\n".encode())


TABLE = [
    ["Nr", "Text", "Score"],
    [1, "Das war gut, danke", 0.5],
    [2, "两个字", ""],
    [],
    ["", "", ""],
    [3.5, "x", 1],
]


@pytest.mark.parametrize(
    "raw",
    [
        workbooks.xlsx({"Notes": [["nothing"]], "Answers": TABLE}),
        workbooks.ods([row or [""] for row in TABLE]),
    ],
)
def test_workbooks_are_read_from_the_sheet_that_has_the_comments(analyse, raw):
    rows, seen = analyse(raw)
    assert [row[:3] for row in rows[1:]] == [
        ["1", "Das war gut, danke", "0.5"],
        ["2", "两个字", ""],
        ["3.5", "x", "1"],
    ]
    assert [(row.text, row.score) for row in seen] == [
        ("Das war gut, danke", 0.5),
        ("两个字", None),
        ("x", 1.0),
    ]


def test_lines_and_tabs_inside_a_paragraph_keep_words_apart(analyse):
    cell = (
        '<table:table-row><table:table-cell office:value-type="string"><text:p>first<text:line-break/>second<text:tab/>'
        "third<text:line-break ></text:line-break>last</text:p></table:table-cell></table:table-row>"
    )
    _, seen = analyse(workbooks.ods([["text"]], more=cell))
    assert [row.text for row in seen] == ["first\nsecond\tthird\nlast"]


#: Neither row nor cells say where they are but the last.
UNPLACED = f'<row r="1048576">{"<c/>" * 16384}</row>'
FAR = '<row r="1048576"><c t="inlineStr" r="XFD1048576"><is><t>x</t></is></c></row>'
WIDE = (
    '<table:table-row table:number-rows-repeated="1000000"><table:table-cell office:value-type="float" '
    'office:value="1" table:number-columns-repeated="16384"/></table:table-row>'
)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (workbooks.xlsx({"A": TABLE}, more=FAR), "17,179,869,184 cells large"),
        (workbooks.xlsx({"A": TABLE}, more=FAR.replace('"', "'")), "17,179,869,184 cells large"),
        (
            workbooks.xlsx({"A": TABLE}, more=FAR.replace("XFD1048576", "ZZZZ99999999")),
            "47,525,399,524,746 cells large",
        ),
        (
            workbooks.xlsx({"A": TABLE}, more=FAR.replace(' r="XFD', ' s=">" r = " xfd')),
            "17,179,869,184 cells large",
        ),
        (workbooks.xlsx({"A": TABLE}, more=UNPLACED), "17,179,869,184 cells large"),
        (workbooks.zipped({"any/name": f"<sheetData>{UNPLACED}</sheetData>"}), "17,179,869,184 cells large"),
        (
            workbooks.zipped({"xl/workbook.bin": "", "xl/worksheets/sheet1.bin": ""}),
            "binary workbook: save it as",
        ),
        (sheets.COMPOUND + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), "protected by a password"),
        (
            workbooks.zipped({"content.xml": "?", "META-INF/manifest.xml": "<a><encryption-data/></a>"}),
            "protected by a password",
        ),
        (workbooks.ods(TABLE, more=WIDE), "cells large, most of them empty"),
        (workbooks.xlsx({"A": [["x"]], "B": [["comment", "id"]]}), "called text.*columns are: comment, id"),
        (workbooks.zipped({"word/document.xml": "<a/>"}), "looks like a workbook"),
        (workbooks.zipped({"xl/worksheets/sheet1.xml": "0" * (sheets.LARGEST + 1)}), "larger than 100 MB"),
        (
            workbooks.zipped({"content.xml": '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}),
            "looks like a workbook",
        ),
    ],
)
def test_a_workbook_that_costs_too_much_or_is_none_is_refused(analyse, raw, message):
    with pytest.raises(spreadsheet.Unreadable, match=message):
        analyse(raw)


def test_the_limit_of_the_csv_module_is_left_as_it_was(analyse):
    before = csv.field_size_limit()
    analyse(b"text\n" + b"x" * 300_000)
    assert csv.field_size_limit() == before


def test_short_comments_are_in_the_language_of_the_long_ones_unless_the_table_says_otherwise(analyse):
    long = "Der Service war leider sehr langsam und niemand hat mir geholfen,\n"
    _, seen = analyse(
        ("text,language\n" + long * 5 + "super,\nsuper,fr\nservizio pessimo e lento,\n").encode()
    )
    assert [row.language for row in seen] == [None] * 5 + ["de", "fr", None]


def test_columns_of_an_earlier_run_are_replaced_where_they_stand(analyse):
    rows, _ = analyse(b"topic,text,sentiment\nold,hello,old\n")
    assert rows[0] == ["topic", "text", "sentiment", "sentiment_score", "topic_label", "theme", "theme_label"]
    assert rows[1] == ["top_1", "hello", "positive", "0.5000", "Label", "thm_1", "Above"]


def test_rows_that_are_too_short_or_too_long_keep_all_cells(analyse):
    rows, _ = analyse(b"text,a\nshort\nlong,1,2,3\n")
    assert rows[0][:4] == ["text", "a", "", ""]
    assert rows[1][:4] == ["short", "", "", ""]
    assert rows[2][:4] == ["long", "1", "2", "3"]
    assert {row[-1] for row in rows[1:]} == {"Above"}


@pytest.mark.parametrize(
    ("cell", "score"),
    [("0", 0.0), ("1.0", 1.0), ("0,5", 0.5), ("-1", None), ("nan", None), ("x", None)],
)
def test_a_score_that_cannot_be_one_is_none(analyse, cell, score):
    _, (row,) = analyse(f'text,score\nhello,"{cell}"\n'.encode())
    assert row.score == score


@pytest.mark.parametrize(
    ("scale", "cell", "score"),
    [
        ((0, 10), "10", 1.0),
        ((0, 10), "7,5", 0.75),
        ((1, 5), "2", 0.25),
        ((6, 1), "1", 1.0),
        ((6, 1), "6", 0.0),
        ((0, 10), "n/a", None),
        ((0, 10), "nan", None),
    ],
)
def test_scores_on_a_named_scale_are_read_as_shares_of_it(analyse, scale, cell, score):
    _, (row,) = analyse(f'text,score\nhello,"{cell}"\n'.encode(), Columns(scale=scale))
    assert row.score == score


@pytest.mark.parametrize(
    ("scale", "message"),
    [
        (None, r"Row 6 has the score 11; .* 0 \(worst\) to 1 \(best\).*--scale 0 10"),
        ((0, 10), "Row 6 has the score 11, which is not on the scale 0 to 10"),
        ((10, 0), "Row 6 has the score 11, which is not on the scale 10 to 0"),
    ],
)
def test_a_score_beyond_its_scale_is_refused_with_the_row_that_a_spreadsheet_shows(analyse, scale, message):
    with pytest.raises(spreadsheet.Unreadable, match=message):
        analyse(b'\ntext,score\n"two\nlines",1\n\nno score,\ngreat,11\n', Columns(scale=scale))


def test_columns_go_by_any_name_in_any_case(analyse):
    rows, seen = analyse(
        b"Kunde;Note;Kommentar\n1;6;Hello, you\n", Columns("kommentar", "NOTE", scale=(6, 1))
    )
    assert rows[0][:3] == ["Kunde", "Note", "Kommentar"]
    assert seen == [Row("Hello, you", 0.0, None, None)]


@pytest.mark.parametrize("raw", [b"", b"comment,id\nhello,1\n", b"\n\n"])
def test_a_table_without_texts_is_refused_in_plain_words(analyse, tmp_path, raw):
    with pytest.raises(spreadsheet.Unreadable, match="no column called text"):
        analyse(raw)
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("raw", "called", "message"),
    [
        (
            b"Kunde;Note;Kommentar\n1;2;3\n",
            Columns(),
            r"columns are: Kunde, Note, Kommentar\. Say .*--text NAME",
        ),
        (b"a\tb, c\td\n1\t2\t3\n", Columns("e"), r"called e\. The columns are: a, b, c, d\."),
        (b"text;Note\na;2\n", Columns(scale=(0, 10)), r"called score\. .*: text, Note\. .*--score NAME"),
        (b"text;Note\na;2\n", Columns(score="Grade"), "called Grade"),
        (b"id,topic\n1,late\n", Columns("topic"), "column topic is where results are written"),
        (b"PK\x03\x04\x14\x00", Columns(), r"looks like a workbook .* CSV \(UTF-8\)\."),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", Columns(), "looks like a workbook"),
        # What many programs call an Excel file.
        (
            b"<html><table><tr><th>text</th></tr><tr><td>good</td></tr>",
            Columns(),
            "web page or XML.*save it as .xlsx",
        ),
        (b'\xef\xbb\xbf\n<?xml version="1.0"?>\n<Workbook>', Columns(), "web page or XML"),
        # All that follows would be one comment; so would what is left of a table that broke off.
        (b'text,id\ngood,1\n"late,2\nbroken,3\n', Columns(), "row 3 is never closed"),
        (b'text\ngood\n"late\nbroken', Columns(), "row 3 is never closed"),
        (b"\x1b[2Jid\n1\n", Columns(), r"columns are: \[2Jid\."),
    ],
)
def test_what_cannot_be_read_is_said_with_the_way_out(analyse, raw, called, message):
    with pytest.raises(spreadsheet.Unreadable, match=message):
        analyse(raw, called)


@pytest.mark.parametrize("kind", ["itself", "a link to it", "another name of it"])
def test_the_table_that_is_read_is_never_replaced(tmp_path, kind):
    source = target = tmp_path / "in.csv"
    source.write_text("text\nhello\n")
    if kind != "itself":
        target = tmp_path / "out.csv"
        target.symlink_to(source) if kind == "a link to it" else target.hardlink_to(source)
    with pytest.raises(spreadsheet.Unreadable, match="is the table to be read"):
        spreadsheet.analyse(source, target, spreadsheet.feelings, spreadsheet.subjects)
    assert source.read_text() == "text\nhello\n"


def test_the_command_takes_a_customers_own_table_and_warns_of_languages_that_are_no_codes(tmp_path):
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text(
        "Kommentar;Note;language\nDas Essen war kalt;9;Deutsch\nalles gut;2;de-AT\nbad food;0;English\n"
    )
    options = ["--out", str(target), "--text", "kommentar", "--score", "note", "--scale", "0", "10"]
    done = CliRunner().invoke(commands.analyse, [str(source), *options])
    assert done.exit_code == 0, done.output
    assert done.stderr.splitlines()[-4:] == [
        f"3 comments written to {target}.",
        "Rows whose language is no code such as en or de-AT, read without it: 2 (Deutsch, English).",
        "Sentiment: 1 (33 %) positive, 0 (0 %) neutral, 2 (67 %) negative, 0 (0 %) cannot be told.",
        "No topics were found.",
    ]
    rows = list(csv.DictReader(target.read_text(encoding="utf-8-sig").splitlines()))
    assert [row["language"] for row in rows] == ["Deutsch", "de-AT", "English"]
    assert rows[2]["sentiment"] == "negative"
    for scale in (("1", "1"), ("0", "inf")):
        refused = CliRunner().invoke(commands.analyse, [str(source), *options[:-2], *scale])
        assert "two different numbers" in refused.output


def test_a_run_says_what_it_read_and_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    late = "Посылка пришла слишком поздно, и никто не ответил на письма"
    source.write_bytes(("id;text\n" + f"1;{late}\n" * 20).encode("koi8-r"))
    # As `flask --app wsgi` does: the application is made within the command.
    with click.Context(click.Group(commands={"analyse": commands.analyse})):
        app = create_app({})
    done = app.test_cli_runner().invoke(
        args=["analyse", str(source), "--out", str(target), "--delimiter", ";"]
    )
    assert done.exit_code == 0, done.output
    assert (
        f"Read as koi8-r; if that is wrong, name another: --encoding. The first that shows it: {late}\n"
        in done.stderr
    )
    assert "20 (100 %)" in done.stderr
    assert target.read_bytes().startswith("\ufeffid;text;sentiment".encode())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]
    run = partial(app.test_cli_runner().invoke, catch_exceptions=False)
    named = run(args=["analyse", str(source), "--out", str(target), "--encoding", "cp1251"])
    assert "Read as cp1251" in named.stderr
    assert late not in target.read_text()
    for wrong, said in (
        (["--encoding", "latin-eins"], "no encoding that is known"),
        (["--encoding", "base64"], "no encoding that is known"),
        (["--delimiter", "x"], "--delimiter"),
        (["--out", str(tmp_path / "out.xlsx")], "a name that ends in .csv"),
    ):
        refused = run(args=["analyse", str(source), "--out", str(target), *wrong])
        assert refused.exit_code, wrong
        assert said in refused.stderr


def test_a_failure_leaves_the_old_result_and_no_rest(tmp_path):
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("text\nhello\n")
    target.write_text("old")

    def broken(rows):
        raise RuntimeError("no model")

    with pytest.raises(RuntimeError):
        spreadsheet.analyse(source, target, broken, broken)
    assert target.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]


def test_where_nothing_can_be_written_is_said_before_the_work(tmp_path):
    (tmp_path / "in.csv").write_text("text\nhello\n")

    def work(rows):
        raise AssertionError("all for nothing")

    target = tmp_path / "missing" / "out.csv"
    with pytest.raises(spreadsheet.Unreadable, match=r"missing/out\.csv cannot be written: No such file"):
        spreadsheet.analyse(tmp_path / "in.csv", target, work, work)


@pytest.mark.parametrize("kind", ["fifo", "link"])
def test_what_is_no_plain_file_is_written_into_and_stays(tmp_path, kind):
    source, target, file = (tmp_path / name for name in ("in.csv", "out.csv", "real.csv"))
    source.write_text("text\nhello\n")
    os.mkfifo(target) if kind == "fifo" else target.symlink_to(file)
    # Opened for both ends, so that nobody waits; the few bytes stay in the pipe.
    reader = os.open(target, os.O_RDWR | os.O_CREAT)
    spreadsheet.analyse(
        source,
        target,
        lambda rows: [Feeling("neutral", 0.0) for _ in rows],
        lambda rows: [Subject("", "") for _ in rows],
    )
    assert os.read(reader, 10_000).decode().splitlines()[1] == "hello,neutral,0.0000,,,,"
    os.close(reader)
    assert target.is_fifo() if kind == "fifo" else target.is_symlink()


def test_progress_counts_comments(tmp_path):
    (tmp_path / "in.csv").write_text("text\n" + "hello\n" * 2_500)
    told = []
    spreadsheet.analyse(
        tmp_path / "in.csv",
        tmp_path / "out.csv",
        lambda rows: [Feeling(None, None)] * len(rows),
        lambda rows: [Subject("", "")] * len(rows),
        lambda *step: told.append(step),
    )
    assert told[0] == ("sentiment", 0, 2_500)
    assert ("sentiment", 2_500, 2_500) in told
    assert told[-1] == ("topics", 2_500, 2_500)


def test_the_subjects_of_a_table_are_found_among_its_own_comments():
    rows = [Row(text, None, None, None) for text in (*world().values(), "")]
    found = spreadsheet.subjects(rows)
    assert found[-1] == Subject("", "")
    assert 5 <= len({subject.id for subject in found[:-1]}) <= 40
    assert all(subject.id.startswith("top_") and subject.label for subject in found[:-1])


@pytest.mark.parametrize("claimed", ["el", None], ids=["said to be Greek", "found to be Greek"])
def test_a_language_that_the_vectors_do_not_know_is_in_no_subject(claimed):
    late = "Η παράδοση άργησε πολύ και κανείς δεν απάντησε για την παραγγελία {}."
    greek = [Row(late.format(at), None, None, claimed) for at in range(12)]
    english = [Row(text, None, None, None) for text in world().values()]
    found = spreadsheet.subjects([*greek, *english])
    assert set(found[:12]) == {Subject("", "")}
    assert [each.label for each in found[12:]] == [each.label for each in spreadsheet.subjects(english)]
    assert spreadsheet.subjects(greek) == [Subject("", "")] * 12
