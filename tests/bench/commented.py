"""A database with as many comments as a benchmark of listening wants, made of those in a table."""

import contextlib
import csv
import random
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from feedback.models import Reading
from surveys import catalogue, daily_counts
from surveys.base import clock, db
from surveys.commands import service
from surveys.domain import folding
from surveys.models import Response, Survey
from tests.bench import client
from wsgi import create_app

_OPENINGS = (
    "", "", "", "Honestly, ", "Well, ", "Hello, ", "To be fair, ", "As I said: ", "Once more: ", "Frankly, ",
)  # fmt: skip
_WITH_A_SECOND_STATEMENT = 0.1  # share of the comments


def variants(table: Path, count: int) -> list[str]:
    """`count` different comments out of the column `text` of a CSV: its own first, then again with one word left
    out, another opening, or a second statement. Equal tables give equal comments."""
    with table.open(encoding="utf-8", newline="") as file:
        own = [row["text"] for row in csv.DictReader(file)]
    chance = random.Random(7)
    found = dict.fromkeys(own[:count])
    while len(found) < count:
        words = chance.choice(own).split()
        if len(words) > 3:
            del words[chance.randrange(len(words))]
        text = chance.choice(_OPENINGS) + " ".join(words)
        if chance.random() < _WITH_A_SECOND_STATEMENT:
            text += ". " + chance.choice(own)
        found[text] = None
    return list(found)


@contextlib.contextmanager
def application() -> Iterator[Survey]:
    """The application on a fresh SQLite database, with one survey. It is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="earshot-bench-", dir="/var/tmp") as folder:
        app = create_app({**client.SETTINGS, "DATA_DIR": folder, "LOG_LEVEL": "error"})
        service.prepare(app.extensions["earshot"])
        try:
            yield catalogue.create({"name": "Benchmark", "metric": "nps"}, clock.now())
        finally:
            db.close_database()


def fill(survey: Survey, texts: Sequence[str]) -> list[int]:
    """One response for each of `texts`, over the last year, each read as English; their keys in that order."""
    begin = datetime.now(UTC) - timedelta(days=365)
    keys: list[int] = []
    for start in range(0, len(texts), 500):
        rows = [
            _row(survey, text, begin + timedelta(seconds=start + at))
            for at, text in enumerate(texts[start : start + 500])
        ]
        with db.database.atomic():
            Response.insert_many(rows).execute()
            Reading.insert_many([_reading(row) for row in rows]).execute()
        keys += [row["key"] for row in rows]
    db.settle_clock()
    db.database.execute_sql("ANALYZE")
    return keys


def _row(survey: Survey, text: str, at: datetime) -> dict[str, Any]:
    key = clock.microseconds(at)
    return {
        "key": key,
        "id": str(uuid.UUID(int=key)),
        "survey": survey.id,
        "definition": 1,
        "score": key % 11,
        "group": None,
        "comment": text,
        "search_text": folding.fold(text),
        "channel": "widget",
        "counted": True,
        "day": daily_counts.day_of(at),
        "revision": 1,
        "revisions": {"score": 1},
        "first_tick": key,
        "changed_tick": key,
        "created_at": at,
        "updated_at": at,
    }


def _reading(row: dict[str, Any]) -> dict[str, Any]:
    return {"key": row["key"], "language": "en", "engine": "benchmark", "read_at": row["created_at"]}
