"""The catalogue of surveys: make, change, archive, delete; and the words one of them uses in a language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from surveys import people, responses, wording
from surveys.base import db, ids
from surveys.base.errors import Clash
from surveys.domain import weblinks
from surveys.domain.metrics import METRICS
from surveys.domain.metrics.metric import Metric
from surveys.models import DailyCount, Definition, Invitation, Response, Survey, Trigger

#: What a respondent reads before giving the score: a change of it is a break in the series.
ASKED = ("metric", "product", "question", "labels")

#: Rows of a survey that are deleted in one transaction.
AT_ONCE = 100


@dataclass(frozen=True)
class Texts:
    """All that a respondent reads of one survey, in one language."""

    language: str
    direction: str
    question: str
    labels: dict[int, str]
    follow_up: dict[str, str]
    thanks: dict[str, str]
    choices: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """By group, for a follow-up that offers some: (what is kept, what is read). What is kept is the same in every
    language, so that answers can be counted: the text in the survey's first language."""
    link: dict[str, str] | None = None
    """`text` and `url` of the link under the thanks, the same for every group."""


def create(values: Mapping[str, Any], now: datetime) -> Survey:
    """Make a survey from checked values; what is left out gets the contract's defaults."""
    metric = METRICS[values["metric"]]
    given = {"wait_after_answer_days": metric.wait_after_answer_days, **_EMPTY, **values}
    if given.get("status") == "archived":
        given["archived_at"] = now

    def verb() -> Survey:
        survey = Survey.create(id=ids.new("sv"), created_at=now, updated_at=now, **given)
        _write_definition(survey, now)
        return survey

    return db.write(verb)


_EMPTY: dict[str, Any] = {
    "languages": ["en"],
    "allowed_origins": [],
    "widget": {},
    "skip_tags": [],
    "staff_domains": [],
    "excluded_addresses": [],
}


def change(survey: Survey, values: Mapping[str, Any], now: datetime) -> Survey:
    """Change a survey. What is asked before the score makes a new definition. Raises Clash."""

    def verb() -> Survey:
        query = Survey.select().where(Survey.id == survey.id)
        row = (query if db.on_sqlite() else query.for_update()).get()
        if values.get("metric", row.metric) != row.metric and _answered(row):
            raise Clash("The metric cannot change once there are responses; make a new survey.")
        asked = {name: getattr(row, name) for name in ASKED}
        if values.get("status", row.status) != row.status:
            row.archived_at = now if values["status"] == "archived" else None
        for name, value in values.items():
            setattr(row, name, value)
        row.updated_at = now
        if asked != {name: getattr(row, name) for name in ASKED}:
            row.definition += 1
            _write_definition(row, now)
        row.save()
        return row

    return db.write(verb)


def new_identity_secret(survey: Survey, now: datetime) -> str:
    """Replace the secret that signs identities; the old one is worthless at once."""
    change(survey, {"identity_generation": survey.identity_generation + 1}, now)
    return people.identity_secret(Survey.get_by_id(survey.id))


def delete(survey: Survey, with_responses: bool, now: datetime) -> None:
    """Delete a survey. Raises Clash when it has responses and they are not to go with it.

    It takes no more answers from the first moment; they go in small transactions, between which everybody else
    writes. Whoever is interrupted deletes it again.
    """

    def close() -> None:
        if not with_responses and _answered(survey):
            raise Clash("The survey has responses; archive it, or delete them with ?responses=delete.")
        closed = now - responses.ARCHIVED_GRACE - timedelta(seconds=1)
        Survey.update(status="archived", archived_at=closed).where(Survey.id == survey.id).execute()

    db.write(close)
    while not db.write(lambda: _delete_some(survey, now)):
        pass


def _delete_some(survey: Survey, now: datetime) -> bool:
    """Delete what hangs on the survey, AT_ONCE rows of it, and at last itself; whether it is gone."""
    for row in (rows := list(Response.select().where(Response.survey == survey.id).limit(AT_ONCE))):
        responses.remove(row, now)
    if rows:
        return False
    for table in (Trigger, Invitation):
        some = table.select(table.id).where(table.survey == survey.id).limit(AT_ONCE)
        if table.delete().where(table.id.in_([row.id for row in some])).execute():
            return False
    if not db.on_sqlite():
        # Waits for answers that are being written, which are then seen; later ones wait for us.
        Survey.select().where(Survey.id == survey.id).for_update().first()
    if _answered(survey):
        return False
    for part in (DailyCount, Definition):
        part.delete().where(part.survey == survey.id).execute()
    Survey.delete().where(Survey.id == survey.id).execute()
    return True


def make_first(now: datetime) -> Survey | None:
    """On an empty database, one NPS survey that is ready to be answered; None when there is one already."""

    def verb() -> Survey | None:
        if Survey.select().exists():
            return None
        # The first one is for those of whom no language is known.
        languages = [wording.FALLBACK, *(tag for tag in wording.LANGUAGES if tag != wording.FALLBACK)]
        return create({"name": "How are we doing?", "metric": "nps", "languages": languages}, now)

    return db.write(verb)


def ready() -> Survey | None:
    """The survey that newcomers are led to: the active one that was made first; None when none is active."""
    return Survey.select().where(Survey.status == "active").order_by(Survey.created_at, Survey.id).first()


def spoken(survey: Survey, said: str | None) -> str | None:
    """The language that a comment is taken to be in unless it tells: what was said, or the only one of its survey."""
    if said or len(survey.languages) != 1:
        return said
    only: str = survey.languages[0]
    return only


def language_for(survey: Survey, wishes: Sequence[str]) -> str:
    """The language of the survey that serves the first possible wish; else its first."""
    return wording.choose(wishes, survey.languages, survey.languages[0])


def texts(survey: Survey, language: str) -> Texts:
    """What a respondent reads in `language`: the survey's own words where it has some, else the standard ones."""
    metric = METRICS[survey.metric]
    own_question = _own(survey.question, language)
    question = own_question or wording.text(language, f"{metric.key}.question", product=survey.product)
    return Texts(
        language=language,
        direction=wording.direction(language),
        question=_filled(question, survey),
        labels={**wording.labels(language, metric.key), **_own_labels(survey.labels, language, metric)},
        follow_up={
            g.key: _by_group(survey, survey.follow_up, "follow_up", g.key, language) for g in metric.groups
        },
        thanks={g.key: _by_group(survey, survey.thanks, "thanks", g.key, language) for g in metric.groups},
        choices=_choices(survey, metric, language),
        link=_link(survey.thanks_link, language),
    )


def _answered(survey: Survey) -> bool:
    return Response.select().where(Response.survey == survey.id).exists()


def _write_definition(survey: Survey, now: datetime) -> None:
    asked = {name: getattr(survey, name) for name in ASKED}
    Definition.create(
        survey=survey.id, number=survey.definition, metric=survey.metric, wording=asked, created_at=now
    )


def _filled(text: str, survey: Survey) -> str:
    return wording.fill(text, product=survey.product or survey.name)


def _own(by_language: Mapping[str, Any] | None, language: str) -> Any:
    """The entry for `language`, or for the nearest of the same base; None when there is none."""
    if not by_language:
        return None
    tag = wording.choose([language], list(by_language), "")
    return by_language.get(tag)


def _own_labels(labels: Mapping[str, Any] | None, language: str, metric: Metric) -> dict[int, str]:
    names = {str(score): score for score in metric.scores} | {"low": metric.minimum, "high": metric.maximum}
    own = {score: _named(labels, name, names, language) for name, score in names.items()}
    return {score: text for score, text in own.items() if text}


def _by_group(survey: Survey, own: Mapping[str, Any] | None, kind: str, group: str, language: str) -> str:
    metric = METRICS[survey.metric]
    text = _named(own, group, {g.key: g for g in metric.groups}, language)
    return _filled(text or wording.text(language, f"{kind}.{metric.tone_of(group)}"), survey)


def _link(stored: Any, language: str) -> dict[str, str] | None:
    """The link under the thanks; None also for one stored before such links were refused."""
    given = stored if isinstance(stored, dict) else {}
    url, text = given.get("url"), given.get("text")
    if not isinstance(url, str) or not weblinks.leads_where_it_says(url, "https", "http"):
        return None
    words = {tag: said for tag, said in text.items() if said} if isinstance(text, dict) else {}
    return {"text": _own(words, language) or next(iter(words.values())), "url": url} if words else None


def _choices(survey: Survey, metric: Metric, language: str) -> dict[str, list[tuple[str, str]]]:
    if survey.follow_up_type == "text":
        return {}
    made = {}
    for group in metric.groups:
        lists = survey.choices.get(group.key) or {
            tag: item for tag, item in survey.choices.items() if isinstance(item, list)
        }
        if lists:
            first = next(iter(lists.values()))
            kept = _own(lists, survey.languages[0]) or first
            made[group.key] = list(zip(kept, _own(lists, language) or first, strict=True))
    return made


def _named(own: Mapping[str, Any] | None, name: str, names: Mapping[str, Any], language: str) -> str | None:
    """The text for `name` (a group, a score) in `language`, whichever of the two the survey's map has first."""
    if not own:
        return None
    if name in own:
        return _own(own[name], language)
    item = _own({key: value for key, value in own.items() if key not in names}, language)
    return item.get(name) if isinstance(item, dict) else item
