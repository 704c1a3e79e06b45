"""What follows from an answer: its comment is read, and whoever must be answered is noted."""

from datetime import datetime
from typing import Any

from feedback.analysis import language, sentiment
from feedback.models import Reading
from surveys import responses
from surveys.base import db, jobs
from surveys.models import Response


def install() -> None:
    """Register the handlers; importing this module does it, calling this says that it is meant."""


@jobs.on("response recorded", "response amended")
def read_comment(payload: dict[str, Any], now: datetime) -> None:
    """Read language and sentiment of a response's comment, unless a person has said better."""
    row = Response.get_or_none(Response.key == payload["key"])
    if row is None:
        return
    known = Reading.get_or_none(Reading.key == row.key)
    if known is not None and known.by_person:
        return
    if not (row.comment or "").strip():
        if known is not None:
            db.write(lambda: _forget(row.key, now))
        return
    found_language = language.of(row.comment, row.language)
    found = sentiment.read(row.comment, language=found_language)
    values = {
        "language": found_language,
        "label": found.label if found else None,
        "score": found.score if found else None,
        "words": list(found.words) if found else None,
        "engine": sentiment.ENGINE,
    }
    db.write(lambda: _keep(row.key, values, now))


def _keep(key: int, values: dict[str, Any], now: datetime) -> None:
    if not Response.select().where(Response.key == key).exists():
        return
    known = Reading.get_or_none(Reading.key == key)
    if known is not None and all(getattr(known, name) == value for name, value in values.items()):
        return
    Reading.insert(key=key, read_at=now, **values).on_conflict(
        conflict_target=[Reading.key], update={**values, "read_at": now}
    ).execute()
    responses.touch(key, now)


def _forget(key: int, now: datetime) -> None:
    Reading.delete().where(Reading.key == key).execute()
    responses.touch(key, now)
