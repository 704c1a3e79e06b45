"""All responses of a period as a table or as lines of JSON, in constant memory."""

import csv
import io
import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from feedback import feed, workbook
from feedback.domain.cells import cell
from surveys.base.db import compact

#: Responses a statement. Each batch begins where the last one ended, so no cursor is kept open meanwhile.
BATCH = 1000

PIECE = 64 * 1024

COLUMNS = (
    "id", "created_at", "updated_at", "survey", "metric", "score", "group", "comment", "language",
    "sentiment", "sentiment_score", "topics", "channel", "touchpoint", "agent_id", "agent", "team_id", "team",
    "ticket_id", "ticket_number", "ticket_channel", "person_id", "person", "tags", "flags", "excluded",
    "test", "answers", "properties", "triage",
)  # fmt: skip


def items(filters: Mapping[str, Any], surveys: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """Every response that fits, newest first, as the feed shows it. `surveys`: the only ones to be seen."""
    position = None
    while True:
        page = feed.page(filters, BATCH, "desc", position, surveys)
        yield from page.items
        position = page.position
        if position is None:
            return


def ndjson(found: Iterator[dict[str, Any]]) -> Iterator[str]:
    """One JSON object a line."""
    for item in found:
        yield json.dumps(item, ensure_ascii=False, separators=(",", ":")) + "\n"


def table(found: Iterator[dict[str, Any]], delimiter: str = ",") -> Iterator[str]:
    """CSV (RFC 4180) in UTF-8 with its mark, so that spreadsheets know; no cell can run as a formula."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    text.write("\ufeff")
    writer.writerow(COLUMNS)
    for item in found:
        writer.writerow([cell(value) for value in _row(item)])
        yield text.getvalue()
        text.seek(0)
        text.truncate()
    # Without a single response there is still a head.
    yield text.getvalue()


def workbook_of(found: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    """A workbook (.xlsx); scores are numbers in it, and no text can run."""
    return workbook.pieces(itertools.chain([COLUMNS], map(_row, found)))


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


def _row(item: dict[str, Any]) -> list[Any]:
    agent, team, ticket, person, sentiment = (
        item[name] or {} for name in ("agent", "team", "ticket", "person", "sentiment")
    )
    flat = {
        **item,
        "sentiment": sentiment.get("label"),
        "sentiment_score": sentiment.get("score"),
        "topics": "; ".join(topic["label"] for topic in item["topics"]),
        "agent_id": agent.get("id"),
        "agent": agent.get("name"),
        "team_id": team.get("id"),
        "team": team.get("name"),
        "ticket_id": ticket.get("id"),
        "ticket_number": ticket.get("number"),
        "ticket_channel": ticket.get("channel"),
        "person_id": person.get("id"),
        "person": person.get("name"),
        "tags": "; ".join(item["tags"]),
        "flags": "; ".join(item["flags"]),
        "excluded": "yes" if item["excluded"] else "",
        "test": "yes" if item["test"] else "",
        "answers": compact(item["answers"]) if item["answers"] else "",
        "properties": compact(item["properties"]) if item["properties"] else "",
    }
    return [flat[name] for name in COLUMNS]
