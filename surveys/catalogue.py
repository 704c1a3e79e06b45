"""The catalogue of surveys: make, change, archive, delete."""

from collections.abc import Mapping, Set
from datetime import datetime, timedelta
from typing import Any

from surveys import brands, people, recording, responses, segment_counts, texts, wording
from surveys.base import clock, db, ids
from surveys.base.errors import Clash
from surveys.domain.metrics import METRICS
from surveys.models import DailyCount, Definition, Invitation, Response, Survey, Trigger

#: What a respondent reads before giving the score, besides how the scale is drawn: a change is a break in the series.
ASKED = ("metric", "product", "question", "labels")

#: Rows of a survey that are deleted in one transaction.
AT_ONCE = 100


def create(values: Mapping[str, Any], now: datetime) -> Survey:
    """Make a survey from checked values; what is left out gets the contract's defaults."""
    metric = METRICS[values["metric"]]
    given = {"wait_after_answer_days": metric.wait_after_answer_days, **_EMPTY, **values}
    if given.get("status") == "archived":
        given["archived_at"] = now

    def verb() -> Survey:
        kept = given | {"brand": _brand(given, now)}
        survey = Survey.create(id=ids.new("sv"), created_at=now, updated_at=now, **kept)
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


def change(survey: Survey, values: Mapping[str, Any], now: datetime, known: str | None = None) -> Survey:
    """Change a survey. What is asked before the score makes a new definition.

    `known`: when it had been changed last in what the change was made from, as a stamp. Raises Clash.
    """

    def verb() -> Survey:
        query = Survey.select().where(Survey.id == survey.id)
        row = (query if db.on_sqlite() else query.for_update()).get()
        if known is not None and known != clock.stamp(row.updated_at):
            raise Clash("Somebody changed the survey meanwhile.")
        if values.get("metric", row.metric) != row.metric and _answered(row):
            raise Clash("The metric cannot change once there are responses; make a new survey.")
        asked, tone, languages = _asked(row), brands.of(row).formality, row.languages
        if values.get("status", row.status) != row.status:
            row.archived_at = now if values["status"] == "archived" else None
        if values.get("segments", row.segments) != row.segments:
            segment_counts.forget_all()
        for name, value in values.items():
            setattr(row, name, _brand(values, now) if name == "brand" else value)
        row.updated_at = now
        if asked != _asked(row) or _reads_otherwise(row, tone, set(languages)):
            row.definition += 1
            _write_definition(row, now)
        row.save()
        return row

    return db.write(verb)


def rebrand(said: Mapping[str, Any], now: datetime, known: str | None = None) -> dict[str, Any]:
    """Put another brand in the place of the service's own. Surveys that it has speak otherwise get a new definition.

    `known`: the version that is to be replaced. Raises Clash, or Refused for a logo that is not there.
    """

    def verb() -> dict[str, Any]:
        db.serialise("brand")
        rows: list[Survey] = []
        if brands.service().formality != (said.get("formality") or None):
            # Whoever changes one of them meanwhile counts its definitions up too.
            query = Survey.select().order_by(Survey.id)
            rows = list(query if db.on_sqlite() else query.for_update())
        tones = [brands.of(row).formality for row in rows]
        kept = brands.replace(said, now, known)
        for row, tone in zip(rows, tones, strict=True):
            if _reads_otherwise(row, tone, set(row.languages)):
                row.definition += 1
                row.save(only=[Survey.definition])
                _write_definition(row, now)
        return kept

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
        closed = now - recording.ARCHIVED_GRACE - timedelta(seconds=1)
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


def _brand(values: Mapping[str, Any], now: datetime) -> dict[str, Any] | None:
    """A survey's own brand as it is kept; None where it says nothing. Raises Refused."""
    given = values.get("brand")
    return brands.keep(given, now, "brand.logo") or None if given else None


def _answered(survey: Survey) -> bool:
    return Response.select().where(Response.survey == survey.id).exists()


def _write_definition(survey: Survey, now: datetime) -> None:
    Definition.create(
        survey=survey.id,
        number=survey.definition,
        metric=survey.metric,
        wording={"formality": brands.of(survey).formality, **_asked(survey)},
        created_at=now,
    )


def _asked(survey: Survey) -> dict[str, Any]:
    return {"scale": texts.scale_of(survey), **{name: getattr(survey, name) for name in ASKED}}


def _reads_otherwise(survey: Survey, tone: str | None, languages: Set[str]) -> bool:
    """Whether it asks in other words than it would in `tone`, in those of its languages that are in `languages`."""
    now = brands.of(survey).formality
    return tone != now and any(
        texts.asked(survey, tag, tone) != texts.asked(survey, tag, now)
        for tag in survey.languages
        if tag in languages
    )
