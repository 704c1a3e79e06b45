"""All responses of a period as a table or as lines of JSON, in constant memory."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from feedback import columns, feed, labels, segments, workbook
from feedback.item import Item
from surveys.models import Survey

#: Responses a statement. Each batch begins where the last one ended, so no cursor is kept open meanwhile.
BATCH = 1000

PIECE = 64 * 1024

#: Properties with a column of their own.
MOST_PROPERTIES = 30


def items(filters: Mapping[str, Any], surveys: list[str] | None = None) -> Iterator[Item]:
    """Every response that fits, newest first. `surveys`: the only ones to be seen.

    Names are told in the language of who asks now: a file is made while it is sent, when the call is over.
    """
    return _items(filters, surveys, labels.languages())


def ndjson(found: Iterator[Item]) -> Iterator[str]:
    """One JSON object a line, as the feed shows it."""
    for item in found:
        yield json.dumps(columns.whole(item), ensure_ascii=False, separators=(",", ":")) + "\n"


def properties(filters: Mapping[str, Any], surveys: list[str] | None = None) -> list[str]:
    """The properties that have columns of their own in a table: what the surveys are counted by, then those that
    their newest answers carry, no more than `MOST_PROPERTIES`. All are in the column `properties` too.
    """
    asked = Survey.select(Survey.id, Survey.segments).order_by(Survey.created_at.desc(), Survey.id)
    if surveys is not None:
        asked = asked.where(Survey.id.in_(surveys))
    for name, column in (("survey", Survey.id), ("metric", Survey.metric)):
        if filters.get(name):
            asked = asked.where(column == filters[name])
    found = list(asked)
    counted = [name for survey in found for name in survey.segments]
    # What the newest answers carry is looked for in the surveys that were made last.
    seen = sorted(segments.lately([survey.id for survey in found[:MOST_PROPERTIES]], MOST_PROPERTIES))
    return list(dict.fromkeys([*counted, *seen]))[:MOST_PROPERTIES]


def table(found: Iterator[Item], delimiter: str = ",", properties: Sequence[str] = ()) -> Iterator[str]:
    """CSV (RFC 4180), a line each, with columns for some properties."""
    return columns.lines(columns.rows(found, properties=properties), delimiter)


def workbook_of(found: Iterator[Item], properties: Sequence[str] = ()) -> Iterator[bytes]:
    """A workbook (.xlsx), with columns for some properties; scores are numbers in it, and no text can run."""
    return workbook.pieces(columns.rows(found, properties=properties))


def pieces(lines: Iterator[str]) -> Iterator[bytes]:
    """The lines joined to pieces of a size that a socket takes at once; small ones cost a system call each."""
    waiting: list[bytes] = []
    size = 0
    for line in lines:
        waiting.append(line.encode())
        size += len(waiting[-1])
        if size >= PIECE:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


# ------------------------------------------------------------------------------------------------------


def _items(filters: Mapping[str, Any], surveys: list[str] | None, languages: Sequence[str]) -> Iterator[Item]:
    position = None
    while True:
        with labels.told_in(languages):
            page = feed.page(filters, BATCH, "desc", position, surveys)
        yield from page.items
        position = page.position
        if position is None:
            return
