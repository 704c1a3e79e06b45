"""Items as tables: one table of columns for all files that are handed out."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from feedback.domain.cells import cell
from surveys.base.db import compact

Item = Mapping[str, Any]


def _is(name: str) -> Callable[[Item], Any]:
    return lambda item: item[name]


def _of(whole: str, name: str) -> Callable[[Item], Any]:
    return lambda item: (item[whole] or {}).get(name)


def _listed(name: str) -> Callable[[Item], str]:
    return lambda item: "; ".join(item[name])


def _yes(name: str) -> Callable[[Item], str]:
    return lambda item: "yes" if item[name] else ""


def _json(name: str) -> Callable[[Item], str]:
    return lambda item: compact(item[name]) if item[name] else ""


#: Each column's name, and what stands in it of an item.
COLUMNS: dict[str, Callable[[Item], Any]] = {
    **{
        name: _is(name)
        for name in (
            "id",
            "created_at",
            "updated_at",
            "survey",
            "metric",
            "score",
            "group",
            "comment",
            "language",
        )
    },
    "sentiment": _of("sentiment", "label"),
    "sentiment_score": _of("sentiment", "score"),
    "topics": lambda item: "; ".join(topic["label"] for topic in item["topics"]),
    "channel": _is("channel"),
    "touchpoint": _is("touchpoint"),
    "agent_id": _of("agent", "id"),
    "agent": _of("agent", "name"),
    "team_id": _of("team", "id"),
    "team": _of("team", "name"),
    "ticket_id": _of("ticket", "id"),
    "ticket_number": _of("ticket", "number"),
    "ticket_channel": _of("ticket", "channel"),
    "person_id": _of("person", "id"),
    "person": _of("person", "name"),
    "tags": _listed("tags"),
    "flags": _listed("flags"),
    "excluded": _yes("excluded"),
    "test": _yes("test"),
    "answers": _json("answers"),
    "properties": _json("properties"),
    "triage": _is("triage"),
    "contact": _is("contact"),
}

#: What of it whoever has the address of a saved view may read.
OF_VIEWS = (
    "id", "created_at", "survey", "metric", "score", "group", "comment", "language", "sentiment", "topics",
    "channel", "touchpoint", "agent", "team", "tags",
)  # fmt: skip


def rows(items: Iterable[Item], names: Sequence[str] = tuple(COLUMNS)) -> Iterator[list[Any]]:
    """The names of some columns, then the items, one a row."""
    yield list(names)
    cells = [COLUMNS[name] for name in names]
    for item in items:
        yield [value(item) for value in cells]


def lines(found: Iterable[Sequence[Any]], delimiter: str = ",") -> Iterator[str]:
    """Rows as CSV (RFC 4180) with the mark of UTF-8, so that spreadsheets know; no cell can run as a formula."""
    text = io.StringIO()
    text.write("\ufeff")
    writer = csv.writer(text, delimiter=delimiter)
    for row in found:
        writer.writerow([cell(value) for value in row])
        yield text.getvalue()
        text.seek(0)
        text.truncate()
