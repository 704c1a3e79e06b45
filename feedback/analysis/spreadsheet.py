"""Reads a table of comments and writes it again with what each comment says and which topic it belongs to."""

import csv
import io
import itertools
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, NamedTuple, Protocol

from feedback.analysis import encodings, languages, nothing, sheets
from feedback.analysis.encodings import Unreadable
from feedback.analysis.sentiment import reading
from feedback.analysis.topics import representations, reviewing
from feedback.analysis.topics.representations import Representation
from feedback.domain.topics import State, Topic

ADDED = ("sentiment", "sentiment_score", "topic", "topic_label", "theme", "theme_label")
FEWEST = 10  # comments from which topics are looked for
_LARGEST_CELL = 64 * 1024 * 1024  # bytes; Python's own limit of 128 kB stops at one pasted mail thread
_SHOWN = 10  # topics in a summary
_LABELS = ("positive", "neutral", "negative")
_BATCH = 1_000  # comments between two reports of progress
_DELIMITERS = ",;\t|"
_SEPARATOR = re.compile(
    r'"?sep=(.)"?(\r\n|\r|\n|\Z)', re.IGNORECASE
)  # a first line of Excel's, never shown there
_CODE = re.compile(r"[a-z]{2}([-_][a-z0-9]+)*", re.IGNORECASE)  # as `language.of` understands them


class Row(NamedTuple):
    """One comment as the table has it. `score` is 0 to 1; `score`, `question` and `language` are None where the
    table does not tell.
    """

    text: str
    score: float | None
    question: str | None
    language: str | None


class Feeling(NamedTuple):
    """What a comment feels: a label out of negative, neutral, positive and a score -1…1, or twice None."""

    label: str | None
    score: float | None


class Subject(NamedTuple):
    """The topic of a comment and what stands above it: ids and labels, empty where there is none."""

    id: str
    label: str
    theme: str = ""
    theme_label: str = ""


class Columns(NamedTuple):
    """Where a table has what: the names of two columns, in whatever case, and the scores that are the worst and the
    best; without a scale scores are 0–1."""

    text: str = "text"
    score: str = "score"
    scale: tuple[float, float] | None = None


AS_NAMED = Columns()


class Source(NamedTuple):
    """How a table was read.

    That is: the encoding that was recognised (None: UTF-8, or a workbook), how many places could not be read in it,
    the sheet of a workbook, and the first comment that has letters beyond ASCII.
    """

    encoding: str | None = None
    damaged: int = 0
    sheet: str | None = None
    example: str | None = None


class Done(NamedTuple):
    """How many comments were read, and what came of it.

    That is: what stood where a language should and is no code, and how often; how the table was read; of the
    comments that have words (`said`), how many have each feeling (None: it cannot be told); and how many are in the
    topic of each label.
    """

    comments: int
    no_languages: Counter[str]
    source: Source
    said: int
    feelings: Counter[str | None]
    topics: Counter[str]


class Progress(Protocol):
    """Is told the step, how many comments are done and of how many."""

    def __call__(self, step: str, done: int, total: int, /) -> None: ...


@dataclass
class _Table:
    columns: list[str]
    cells: list[list[str]]
    numbers: list[int]
    source: Source


def analyse(
    source: Path,
    target: Path,
    feelings: Callable[[Sequence[Row]], Sequence[Feeling]],
    subjects: Callable[[Sequence[Row]], Sequence[Subject]],
    progress: Progress = lambda step, done, total: None,
    called: Columns = AS_NAMED,
    encoding: str | None = None,
    delimiter: str = ",",
) -> Done:
    """Write the rows of `source` to `target`, in their order and otherwise unchanged, with the columns `ADDED`.

    `source` is CSV or a workbook (.xlsx, .xls, .ods: the first sheet that fits). It has a column of comments and,
    where known, columns `score`, `question` and `language`; the first two may have the names that are in `called`. In
    CSV, a comma, a semicolon, a tab or a bar parts the columns, and Excel's line `sep=` is understood. CSV is in
    `encoding`; without one, the encoding is recognised. A language that is no code is left aside and counted. Columns
    with the name of one of `ADDED` are replaced where they stand.

    The result is CSV (RFC 4180) in UTF-8 with its mark, by which Excel knows it, with `delimiter` and CRLF. A `target`
    that is a file appears at once and whole; a pipe, a device or a link is written into. It is never `source` itself.
    Raises `Unreadable`, also when `target` cannot be written, and then before any work is done.
    """
    if _same(source, target):
        raise Unreadable(
            f"{target} is the table to be read. Give the result another name, so that yours is kept."
        )
    if target.suffix.lower() in (".xlsx", ".xls", ".ods"):
        raise Unreadable(f"What is written is CSV: give {target} a name that ends in .csv.")
    table = _read(source, called, encoding)
    rows, no_languages = _rows(table, called)
    with _replacing(target) as out:
        felt: list[Feeling] = []
        for start in range(0, len(rows), _BATCH):
            progress("sentiment", start, len(rows))
            felt.extend(feelings(rows[start : start + _BATCH]))
        progress("sentiment", len(rows), len(rows))
        progress("topics", 0, len(rows))
        placed = subjects(rows)
        progress("topics", len(rows), len(rows))
        columns = table.columns + [name for name in ADDED if name not in table.columns]
        at = [columns.index(name) for name in ADDED]
        # Of Python 3.11's terminators only this one has a lone \r inside a cell quoted.
        writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
        out.write("\ufeff")
        writer.writerow(columns)
        for cells, feeling, subject in zip(table.cells, felt, placed, strict=True):
            whole = cells + [""] * (len(columns) - len(cells))
            for column, value in zip(at, _written(feeling, subject), strict=True):
                whole[column] = value
            writer.writerow(whole)
    said = [at for at, row in enumerate(rows) if row.text.strip()]
    example = next((rows[at].text for at in said if not rows[at].text.isascii()), None)
    return Done(
        len(rows),
        no_languages,
        table.source._replace(example=example),
        len(said),
        Counter(felt[at].label for at in said),
        Counter(placed[at].label for at in said if placed[at].id),
    )


def feelings(rows: Sequence[Row]) -> list[Feeling]:
    """What each comment feels by the shipped sentiment engine; for `analyse`."""
    read = reading.read_many(reading.Comment(row.text, row.score, row.question, row.language) for row in rows)
    return [Feeling(str(one.label), one.score) if one else Feeling(None, None) for one in read]


def subjects(rows: Sequence[Row], vectors: Representation | None = None) -> list[Subject]:
    """The topics of comments that are looked at once and together, found among themselves; for `analyse`.

    Comments in a language that the vectors do not know are in none, and so are all where they are fewer than FEWEST:
    what two or three have in common is chance.
    """
    vectors = vectors or representations.current()
    comments = {
        str(at): row.text
        for at, row in enumerate(rows)
        if (language := languages.of(row.text, row.language)) in vectors.languages
        and not nothing.says_nothing(row.text, language)
    }
    if len(comments) < FEWEST:
        return [Subject("", "") for _ in rows]
    once = datetime(1970, 1, 1, tzinfo=UTC)  # nobody asks when a topic of a single look was found
    state = reviewing.review(State(), comments, vectors, once).state
    places = (state.places.get(str(at)) for at in range(len(rows)))
    found = (place.topic if place else None for place in places)
    subjects = {id_: _subject(topic, state) for id_, topic in state.topics.items()}
    return [subjects[topic] if topic else Subject("", "") for topic in found]


def _subject(topic: Topic, state: State) -> Subject:
    theme = state.themes[topic.theme] if topic.theme else None
    return Subject(topic.id, topic.label, *((theme.id, theme.label) if theme else ("", "")))


def summary(done: Done, target: Path) -> Iterator[str]:
    """What a person wants to know of a run, in sentences: what was written and how it was read, what all comments say
    together, and what to look at."""
    source = done.source
    sheet = f", from the sheet {_line(source.sheet)}" if source.sheet else ""
    yield f"{done.comments} comments written to {target}{sheet}."
    if source.encoding:
        shown = f" The first that shows it: {_line(source.example)}" if source.example else ""
        yield f"Read as {source.encoding}; if that is wrong, name another: --encoding.{shown}"
    if source.damaged:
        yield f"Places that could not be read, and hold \ufffd now: {source.damaged}."
    if done.no_languages:
        some = _line(", ".join(name for name, _ in done.no_languages.most_common(3)))
        rows = done.no_languages.total()
        yield f"Rows whose language is no code such as en or de-AT, read without it: {rows} ({some})."
    if done.said:
        felt = [(done.feelings[label], label or "cannot be told") for label in (*_LABELS, None)]
        yield f"Sentiment: {', '.join(f'{_share(n, done.said)} {label}' for n, label in felt)}."
    if done.topics:
        largest = (f"{_line(label)} {_share(n, done.said)}" for label, n in done.topics.most_common(_SHOWN))
        alone = done.said - done.topics.total()
        yield f"Largest topics: {'; '.join(largest)}. In none: {_share(alone, done.said)}."
    elif done.said:
        yield "No topics were found."


def _line(text: str) -> str:
    """The text of a cell as one short line."""
    return "".join(filter(str.isprintable, " ".join(text.split())))[:100]


def _share(count: int, of: int) -> str:
    return f"{count} ({round(100 * count / of)} %)"


def _same(source: Path, target: Path) -> bool:
    try:
        return os.path.samefile(source, target)
    except OSError:  # one is not there yet, or may not be looked at, which is said when it is opened
        return False


def _read(source: Path, called: Columns, encoding: str | None) -> _Table:
    raw = source.read_bytes()
    if sheets.is_workbook(raw):
        return _of_workbook(raw, called)
    found = encodings.decoded(raw, encoding)
    # A second mark is left of tables that were put together out of several.
    text, separator = found.text.lstrip("\ufeff"), None
    if first := _SEPARATOR.match(text):
        separator, text = first[1], text[first.end() :]
    limit = csv.field_size_limit(_LARGEST_CELL)
    try:
        delimiter = _delimiter(text, called, separator)
        records = _whole(text, delimiter)
    except csv.Error as error:
        raise Unreadable(f"This is not a CSV file: {error}.") from error
    finally:
        csv.field_size_limit(limit)
    if len(records[0][1]) == 1:  # a plain list of comments, whose commas nobody quoted
        records[1:] = [(number, [delimiter.join(row)]) for number, row in records[1:]]
    return _table(records, Source(found.encoding, found.damaged))


def _of_workbook(raw: bytes, called: Columns) -> _Table:
    """The first sheet that has a column of comments."""
    heads = {}
    for sheet in sheets.read(raw):
        rows = (row if any(row) else [] for row in sheet.rows)
        records = list(_from_head(enumerate(rows, 1)))
        head = heads[sheet.name] = records[0][1] if records else []
        if _plain(called.text) in map(_plain, head):
            return _table(records, Source(sheet=sheet.name))
    way_out = "Say which one holds the comments: --text NAME."
    raise _missing(called.text, max(heads.values(), key=len, default=[]), way_out)


def _table(records: list[tuple[int, list[str]]], source: Source) -> _Table:
    columns, cells = records[0][1], [row for _, row in records[1:]]
    widest = max(map(len, cells), default=0)
    numbers = [number for number, _ in records[1:]]
    return _Table(columns + [""] * (widest - len(columns)), cells, numbers, source)


def _delimiter(text: str, called: Columns, named: str | None) -> str:
    """The delimiter that the table names, or else that gives the first line a column of comments, and of several the
    one that gives most columns."""
    heads = {each: next(_records(text, each), (0, []))[1] for each in named or _DELIMITERS}
    having = [delimiter for delimiter, head in heads.items() if _plain(called.text) in map(_plain, head)]
    best = max(having or heads, key=lambda delimiter: len(heads[delimiter]))
    if not having and text.lstrip().startswith("<"):
        raise Unreadable(
            "This is a web page or XML, whatever its name says. Open it in a spreadsheet program and save it as .xlsx "
            "or CSV (UTF-8)."
        )
    if not having:
        raise _missing(called.text, heads[best], "Say which one holds the comments: --text NAME.")
    return best


def _missing(name: str, columns: Sequence[str], way_out: str) -> Unreadable:
    # Whatever is no table at all may hold what a terminal would obey.
    there = "".join(filter(str.isprintable, ", ".join(map(str.strip, columns))))[:200]
    return Unreadable(f"There is no column called {name}. The columns are: {there or 'none'}. {way_out}")


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The lines of a table from its head on, without empty ones, each with the number of its row as a spreadsheet
    counts: from 1, empty ones included, and several lines of one cell are one."""
    return _from_head(enumerate(csv.reader(_lines(text), delimiter=delimiter), 1))


#: A line behind the last one.
_END = "\0"


def _whole(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """All `_records`. Raises `Unreadable` where a cell is never closed, and swallowed all that was to follow."""
    rows = list(csv.reader(itertools.chain(_lines(text), [_END]), delimiter=delimiter))
    if rows.pop() != [_END]:
        raise Unreadable(
            f"The quotation mark that begins a cell in row {len(rows) + 1} is never closed: all that follows would be "
            "one comment. Close it, or save the table anew as CSV (UTF-8)."
        )
    return list(_from_head(enumerate(rows, 1)))


def _from_head(lines: Iterable[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    from_head = itertools.dropwhile(lambda line: not any(map(str.strip, line[1])), lines)
    return (line for line in from_head if line[1])


def _rows(table: _Table, called: Columns) -> tuple[list[Row], Counter[str]]:
    """The comments, and the entries of the column of languages that are no language."""
    at = {name: column for column, name in reversed(list(enumerate(map(_plain, table.columns))))}
    text, score = _plain(called.text), _plain(called.score)
    if score not in at and (called.scale or called.score != AS_NAMED.score):
        raise _missing(called.score, table.columns, "Say which one holds the scores: --score NAME.")
    for name in (text, score):
        if name in at and table.columns[at[name]] in ADDED:
            raise Unreadable(f"The column {name} is where results are written. Give yours another name.")

    def cell(row: list[str], name: str) -> str:
        column = at.get(name, len(row))
        return row[column] if column < len(row) else ""

    said = [cell(row, "language").strip() for row in table.cells]
    rows = [
        Row(
            cell(row, text),
            _score(cell(row, score).strip(), called.scale, number),
            cell(row, "question").strip() or None,
            code if _CODE.fullmatch(code) else None,
        )
        for row, number, code in zip(table.cells, table.numbers, said, strict=True)
    ]
    # A table is to its short comments what a survey is to its own.
    most = languages.of_most(row.text for row in rows if row.language is None)
    rows = [row._replace(language=row.language or languages.claim(row.text, most)) for row in rows]
    return rows, Counter(code for code in said if code and not _CODE.fullmatch(code))


def _score(cell: str, scale: tuple[float, float] | None, number: int) -> float | None:
    try:
        value = float(cell.replace(",", "."))
    except ValueError:
        return None
    if scale is None:
        if value > 1.0:
            raise Unreadable(
                f"Row {number} has the score {cell}; scores go from 0 (worst) to 1 (best). If yours go from 0 to 10, "
                "say so: --scale 0 10."
            )
        return value if value >= 0.0 else None
    worst, best = scale
    if value < min(scale) or value > max(scale):
        raise Unreadable(
            f"Row {number} has the score {cell}, which is not on the scale {worst:g} to {best:g}."
        )
    return None if math.isnan(value) else (value - worst) / (best - worst)


def _written(feeling: Feeling, subject: Subject) -> tuple[str, ...]:
    score = "" if feeling.score is None else f"{feeling.score:.4f}"
    return feeling.label or "", score, *subject


def _plain(name: str) -> str:
    return name.strip().lower()


def _lines(text: str) -> Iterator[str]:
    return io.StringIO(
        text, newline=""
    )  # splitlines would also part at U+2028 and form feeds inside a comment


@contextmanager
def _replacing(target: Path) -> Iterator[IO[str]]:
    """A temporary file beside `target`, which takes its place once all is written. A pipe or a device is
    written into directly."""
    try:
        plain = not target.is_symlink() and (not target.exists() or target.is_file())
        part = target.with_name(f".{target.name}.part") if plain else target
        out = part.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise Unreadable(f"{target} cannot be written: {error.strerror}.") from error
    try:
        with out:
            yield out
        if plain:
            part.replace(target)
    finally:
        if plain:
            part.unlink(missing_ok=True)
