"""What follows from an answer: its comment is read, and whoever must be answered is noted."""

from datetime import datetime
from typing import Any

from feedback.models import Reading
from surveys import catalogue, responses
from surveys.base import db, jobs
from surveys.domain.metrics import METRICS
from surveys.models import Response

#: Kept with each reading; a new one means that readings of the old may be done anew.
ENGINE = "words and lexicons 1"


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
    comment = (row.comment or "").strip()
    if not comment:
        if known is not None:
            db.write(lambda: _forget(row.key, now))
        return
    # Here, because the text engines belong into the worker's memory and not into the web's.
    from feedback.analysis import language, sentiment

    found = sentiment.read(comment, score=_share(row), question=_question(row), language=row.language)
    values = {
        "language": found.language if found else language.of(comment, row.language),
        "label": str(found.label) if found else None,
        "score": found.score if found else None,
        "words": list(found.words) if found else None,
        "text_label": str(found.text_label) if found else None,
        "text_score": found.text_score if found else None,
        "engine": ENGINE,
    }
    db.write(lambda: _keep(row.key, values, now))


def _share(row: Response) -> float | None:
    """The respondent's own score from 0 (worst) to 1 (best) of its scale."""
    if row.score is None:
        return None
    metric = METRICS[row.survey.metric]
    return (row.score - metric.minimum) / (metric.maximum - metric.minimum)


def _question(row: Response) -> str | None:
    """What the comment answers: the follow-up question of the group, as it was asked."""
    if row.group is None:
        return None
    language_tag = catalogue.language_for(row.survey, [row.language] if row.language else [])
    return catalogue.texts(row.survey, language_tag).follow_up.get(row.group)


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
