"""What rules look at: each answer once it has settled; every hour what lasts; every week what values come to."""

import functools
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from peewee import SQL

from feedback import feed
from feedback.domain import alarms, notices
from feedback.domain.alarms import BASELINE
from feedback.follow_ups import cases
from feedback.models import Notice, NoticeRule, Reading, Topic
from feedback.notices import overdue, speaking, weeks
from feedback.notices.rehearsal import watched_surveys
from feedback.notices.speaking import Found
from feedback.topics import reports
from feedback.topics.topics import CAME_BACK, SURGING
from surveys import daily_counts, responses
from surveys.base import db, jobs, worker
from surveys.base.accounts import makers
from surveys.base.accounts.caller import Caller
from surveys.domain import schedule
from surveys.models import Response, WebhookEvent
from surveys.webhooks import telling
from surveys.webhooks.telling import Told

log = structlog.get_logger()

#: A comment follows its score: an answer is looked at when nothing has changed for this long.
SETTLES = timedelta(minutes=2)

TO_CONSIDER = "answer to be told of"

#: How often an answer is looked at again while its comment is not read yet, and how long after.
TRIES, AGAIN = 12, timedelta(minutes=5)

#: An older answer is history, as an import brings it, and nobody is told of it.
LATE = timedelta(days=1)

#: What can be said of an answer only once its comment was read.
_READ = frozenset(("sentiment", "topic", "language", "mismatch"))

#: A surge flickers from hour to hour; one that began is not over before.
_LASTS = timedelta(days=7)

#: Webhooks hear of the same topic surging or coming back once in so long.
_QUIET = timedelta(days=28)


def wait(payload: dict[str, Any], now: datetime) -> None:
    """Look at an answer when the respondent is done, where somebody wants to be told of any."""
    if _anybody().fetchone() is None:
        return
    row = responses.stored(payload["key"])
    if row is not None and _is_news(row, now) and _of_kinds(notices.OF_ANSWERS):
        later = {"key": row.key, "revision": row.revision}
        db.write(lambda: jobs.enqueue(TO_CONSIDER, later, now, due_at=now + SETTLES))


@jobs.on(TO_CONSIDER)
def consider(payload: dict[str, Any], now: datetime) -> None:
    """Tell of an answer by each rule that it fits."""
    row = responses.stored(payload["key"])
    # A later revision is looked at by itself.
    if row is None or row.revision != payload["revision"] or not _is_news(row, now):
        return
    rules = _of_kinds(notices.OF_ANSWERS)
    for rule, surveys in rules:
        if feed.fits(row.key, filters_of(rule), surveys):
            why = {**rule.when, "score": row.score}
            found = Found(str(row.key), str(row.first_tick), why, response=row.key)
            db.write(functools.partial(_begin, rule.id, found, now))
    tries = payload.get("tries", 0) + 1
    unread = (row.comment or "").strip() and not Reading.select().where(Reading.key == row.key).exists()
    if unread and tries <= TRIES and any(_READ & rule.filters.keys() for rule, _ in rules):
        again = {**payload, "tries": tries}
        db.write(lambda: jobs.enqueue(TO_CONSIDER, again, now, due_at=now + AGAIN))


def hourly(now: datetime) -> None:
    """Look at all that lasts, beside the worker's other work."""
    worker.beside(lambda: look(now), "notices")


def look(now: datetime) -> None:
    """Hold each rule of what lasts against what is so now; one that fails keeps no other from it."""
    for rule, surveys in _of_kinds(notices.LASTING):
        try:
            _LOOKS[rule.when["kind"]](rule, surveys, now)
        except Exception as error:
            if db.away(error):
                raise
            log.error("rule cannot be looked at", rule=rule.id, exc_info=error)
    _tell_of_topics(now)


def filters_of(rule: NoticeRule) -> Mapping[str, Any]:
    """What narrows the feed to what a rule of answers speaks of."""
    if rule.when["kind"] != notices.SCORE:
        filters: Mapping[str, Any] = rule.filters
        return filters
    most = rule.when["at_or_below"]
    return {**rule.filters, "score_max": min(most, rule.filters.get("score_max", most))}


# ------------------------------------------------------------------------------------------------------


_anybody = db.Prepared(lambda: NoticeRule.select(SQL("1")).where(NoticeRule.enabled).limit(1))


def _of_kinds(kinds: tuple[str, ...]) -> list[tuple[NoticeRule, list[str] | None]]:
    """The rules that are on and not paused, oldest first, each with the surveys that it may look at; they are few."""
    found = NoticeRule.select().where(NoticeRule.enabled).order_by(NoticeRule.created_at, NoticeRule.id)
    rows = [row for row in found if row.when["kind"] in kinds]
    seen = zip(rows, makers.sights(rows), strict=True)
    return [(row, each.surveys) for row, each in seen if not each.paused]


def _is_news(row: Response, now: datetime) -> bool:
    return not (row.test or row.excluded) and row.created_at > now - LATE


def _begin(rule_id: str, found: Found, now: datetime) -> None:
    rule = NoticeRule.get_or_none(NoticeRule.id == rule_id)
    if rule is not None and rule.enabled:
        speaking.begin(rule, found, now)


def _surge(rule: NoticeRule, surveys: list[str] | None, now: datetime) -> None:
    among = [rule.filters["survey"]] if rule.filters.get("survey") else surveys
    scope = reports.Scope(watched_surveys(rule.filters, surveys))
    [surging] = reports.surging(scope, daily_counts.time_zone(), [now])
    found = {
        surge.topic: Found(
            surge.topic,
            f"{surge.topic} {speaking.stamp(now)}",
            {"topic": surge.topic, "label": label, "n": surge.now, "expected": round(surge.expected, 1)},
            among=among,
        )
        for surge, label in surging
    }
    speaking.settle(rule.id, found, now, keep=now - _LASTS)


def _came_back(rule: NoticeRule, surveys: list[str] | None, now: datetime) -> None:
    back = Topic.select().where(Topic.merged_into.is_null(), Topic.status == notices.CAME_BACK)
    if rule.filters.get("topic"):
        back = back.where(Topic.id == rule.filters["topic"])
    if surveys is not None:
        back = back.where(Topic.seen_by(Caller("", "", frozenset(), frozenset(surveys))))
    found = {
        row.id: Found(
            row.id, f"{row.id} {speaking.stamp(now)}", {"topic": row.id, "label": row.label}, among=surveys
        )
        for row in back
    }
    speaking.settle(rule.id, found, now)


def _overdue(rule: NoticeRule, surveys: list[str] | None, now: datetime) -> None:
    found = {}
    for case in overdue.cases_of(rule.filters, surveys).where(cases.is_owed(now)):
        owed = [(at, why) for at, why, came in overdue.missed(case, now) if came is None]
        if owed:
            at, why = owed[0]
            mark = f"{case.id} {speaking.stamp(at)}"
            found[case.id] = Found(case.id, mark, why, follow_up=case.id)
    speaking.settle(rule.id, found, now)


def _value(rule: NoticeRule, surveys: list[str] | None, now: datetime) -> None:
    """Look at the value of a rule once a week, when the last week is over. Its maker may see its survey."""
    zone = daily_counts.time_zone()
    monday = weeks.this_week(now, zone)
    if rule.looked_at is not None and rule.looked_at >= schedule.starts_at(monday, zone):
        return
    # What is usual is what the weeks before the rule were, so that no week judges itself.
    since = weeks.this_week(rule.created_at, zone) - timedelta(weeks=BASELINE)
    series = weeks.read(rule.when, rule.segment, rule.filters, since, monday, zone)
    spells = alarms.spells(series, rule.when["floor"], rule.when["margin"])
    found = {
        str(spell.key or ""): Found(
            str(spell.key or ""),
            f"{spell.key or ''} {spell.began}",
            weeks.why(rule.when, rule.segment, spell),
        )
        for spell in spells
        if spell.over is None
    }
    speaking.settle(rule.id, found, now)
    db.write(NoticeRule.update(looked_at=now).where(NoticeRule.id == rule.id).execute)


_LOOKS = {
    notices.SURGE: _surge,
    notices.CAME_BACK: _came_back,
    notices.OVERDUE: _overdue,
    notices.VALUE: _value,
}


def _tell_of_topics(now: datetime) -> None:
    """Tell webhooks of topics that surge or came back, once while it lasts."""
    zone = daily_counts.time_zone()
    if telling.wanted(SURGING):
        [surging] = reports.surging(reports.Scope(watched_surveys({}, None)), zone, [now])
        for surge, _ in surging:
            _tell_of_topic(SURGING, surge.topic, now)
    if telling.wanted(CAME_BACK):
        for row in Topic.select().where(Topic.merged_into.is_null(), Topic.status == notices.CAME_BACK):
            _tell_of_topic(CAME_BACK, row.id, now)


def _tell_of_topic(type_: str, topic_id: str, now: datetime) -> None:
    def verb() -> None:
        lately = (WebhookEvent.type == type_) & (WebhookEvent.created_at > now - _QUIET)
        if (
            not WebhookEvent.select()
            .where(lately, WebhookEvent.subject == topic_id, ~WebhookEvent.test)
            .exists()
        ):
            telling.tell(Told(type_, topic_id, mark=speaking.stamp(now)), now)

    db.write(verb)


def forget_old(now: datetime, kept: timedelta = timedelta(days=400)) -> int:
    """Notices that were over long ago; how many."""
    return db.write(Notice.delete().where(Notice.over_at < now - kept).execute)
