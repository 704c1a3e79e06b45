"""What people's corrections of sentiments teach, survey by survey, and what they changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import peewee

from feedback.models import Learnt, Reading
from surveys import texts
from surveys.base import db, jobs
from surveys.domain.metrics import METRICS
from surveys.models import Response, Survey

if TYPE_CHECKING:
    from feedback.analysis.sentiment.corrections import Adjustment

#: The latest are learnt from; 2,000 take about half a second.
MOST = 2_000

#: The job that a correction makes: what it taught is to be shown.
JOB = "sentiment corrected"


@dataclass(frozen=True, slots=True)
class Taught:
    """What the `corrections` of a survey taught: `words`, each with how far it moved (`shift`, of -1 to 1).

    `overruled`: comments that a person labelled otherwise than the engine; `changed`: readings that came out otherwise.
    """

    survey: str
    corrections: int
    overruled: int
    changed: int
    words: Sequence[Mapping[str, Any]]
    learnt_at: datetime


_known: dict[tuple[str, str], tuple[Any, "Adjustment | None"]] = {}


def adjustment(survey_id: str) -> "Adjustment | None":
    """What the corrections of a survey's sentiments teach, those of this moment included; None without any."""
    place = (str(db.database.obj.database), survey_id)
    mark = (
        _corrected(survey_id)
        # The version: a comment that was changed teaches something else.
        .select(peewee.fn.COUNT(Reading.key), peewee.fn.MAX(Reading.read_at), peewee.fn.SUM(Response.version))
        .tuples()
        .first()
    )
    if place not in _known or _known[place][0] != mark:
        _known[place] = (mark, _learn(survey_id) if mark[0] else None)
    return _known[place][1]


def share(row: Response) -> float | None:
    """The respondent's own score from 0 (worst) to 1 (best) of its scale."""
    if row.score is None:
        return None
    metric = METRICS[row.survey.metric]
    return (row.score - metric.minimum) / (metric.maximum - metric.minimum)


def question(row: Response) -> str | None:
    """What the comment answers: the follow-up question of the group, as it was asked."""
    if row.group is None:
        return None
    language_tag = texts.language_for(row.survey, [row.language] if row.language else [])
    return texts.of(row.survey, language_tag).follow_up.get(row.group)


@jobs.on(JOB)
def note(payload: dict[str, Any], now: datetime) -> None:
    """Keep what a survey's corrections taught, so that it can be shown.

    `since`: when something was taken back; what was learnt later knows that already.
    """
    survey_id = payload["survey"]
    since = payload.get("since")
    if since is not None and _is_learnt(survey_id, datetime.fromisoformat(since)):
        return
    learnt = adjustment(survey_id)
    if learnt is None:
        db.write(Learnt.delete().where(Learnt.survey == survey_id).execute)
        return
    values = {
        "learnt_from": learnt.learnt_from,
        "words": [{"word": word, "shift": round(shift, 4)} for word, shift in learnt.changes()],
        "learnt_at": now,
    }

    def verb() -> None:
        if Survey.select().where(Survey.id == survey_id).exists():
            Learnt.insert(survey=survey_id, **values).on_conflict(
                conflict_target=[Learnt.survey], update=values
            ).execute()

    db.write(verb)


def unlearn(payload: dict[str, Any], now: datetime) -> None:
    """What was learnt from words that were erased is forgotten: it is learnt anew from those that stand."""
    # Jobs of before name no survey.
    surveys = [payload["survey"]] if "survey" in payload else [row.survey_id for row in Learnt.select()]
    for survey_id in surveys:
        if Learnt.select().where(Learnt.survey == survey_id).exists():
            _learn_anew(survey_id, now)


def relearn(payload: dict[str, Any], now: datetime) -> None:
    """What was learnt from words that their author changed is forgotten with them."""
    row = Response.get_or_none(Response.key == payload["key"])
    if row is not None and _corrected(row.survey_id).where(Reading.key == row.key).exists():
        _learn_anew(row.survey_id, now)


def overview(surveys: list[str] | None) -> list[Taught]:
    """What was taught in each survey with corrections, the latest first. `surveys`: the only ones to be seen."""
    rows = Learnt.select().order_by(Learnt.learnt_at.desc(), Learnt.survey)
    if surveys is not None:
        rows = rows.where(Learnt.survey.in_(surveys))
    return [
        Taught(
            row.survey_id,
            row.learnt_from,
            _differing(row.survey_id, by_person=True),
            _differing(row.survey_id, by_person=False),
            row.words,
            row.learnt_at,
        )
        for row in rows
    ]


# ------------------------------------------------------------------------------------------------------


def _learn_anew(survey_id: str, now: datetime) -> None:
    again = {"survey": survey_id, "since": now.isoformat()}
    db.write(lambda: jobs.enqueue(JOB, again, now))


def _is_learnt(survey_id: str, since: datetime) -> bool:
    row = Learnt.get_or_none(Learnt.survey == survey_id)
    return row is None or row.learnt_at > since


def _corrected(survey_id: str) -> Any:
    """Readings that a person corrected."""
    query = Reading.select().join(Response, on=(Response.key == Reading.key))
    return query.where(Reading.by_person, Response.survey == survey_id)


def _differing(survey_id: str, by_person: bool) -> int:
    query = Reading.select().join(Response, on=(Response.key == Reading.key))
    own = Reading.by_person if by_person else ~Reading.by_person
    return query.where(Response.survey == survey_id, own, Reading.label != Reading.shipped_label).count()


def _learn(survey_id: str) -> "Adjustment":
    # Here, because the text engines belong into the worker's memory and not into the web's.
    from feedback.analysis.sentiment import corrections, reading

    survey = Survey.get_by_id(survey_id)
    query: Any = Response.select(Response, Reading.label.alias("said"))
    query = query.join(Reading, on=(Reading.key == Response.key))
    query = query.where(Reading.by_person, Response.survey == survey_id)
    newest = list(query.order_by(Reading.read_at.desc(), Reading.key.desc()).limit(MOST).objects())
    cases = []
    for row in reversed(newest):
        row.survey = survey
        comment = reading.Comment(
            row.comment or "", share(row), question(row), texts.spoken(survey, row.language)
        )
        case = reading.correction(comment, row.said)
        if case is not None:
            cases.append(case)
    return corrections.learn(cases)
