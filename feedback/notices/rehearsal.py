"""Tries a rule on the last year: when it would have spoken, and how often chance alone would have made it speak."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from feedback import feed
from feedback.domain import alarms, notices
from feedback.domain.alarms import BASELINE, WEEKS_A_YEAR
from feedback.models import FollowUp, Topic, TopicStatus
from feedback.notices import overdue, weeks
from feedback.notices.rules import RuleReport
from feedback.topics import reports
from surveys.base.accounts.caller import Caller
from surveys.domain import schedule
from surveys.models import Survey

#: Times that are told one by one, the latest; `times` counts on.
MOST_SPOKEN = 500

YEAR = timedelta(days=365)

#: Weeks of all segments in all shuffles, and answers that are told one by one; of a page that waits, fewer.
_ALL, _AT_ONCE = (60_000, feed.MOST_COUNTED), (4_000, 100)

#: Any number: the same rule over the same answers has the same shuffles.
SEED = 2026


@dataclass(frozen=True, slots=True)
class Spoken:
    """A time at which a rule would have spoken, what it would have said, and when it would have been over.

    `response`: the id of the answer that it would have spoken of; None where it is not one answer.
    """

    at: datetime
    why: str
    over_at: datetime | None
    response: str | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """What a rule would have said: `spoken`, the latest `MOST_SPOKEN`, oldest first; `times` counts all.

    `by_chance_per_year` is that of a rule of a value, over shuffles of its weeks; the others speak of what happened,
    and it is None. So it is where there is too little past: `watched_weeks` says how much of the year was looked at.
    """

    spoken: Sequence[Spoken]
    times: int
    by_chance_per_year: float | None
    watched_weeks: int


@dataclass(frozen=True, slots=True)
class TriedRule(RuleReport):
    """A rule with what it would have said; None where it could not be tried."""

    backtest: Trial | None


def backtest(
    rule: Mapping[str, Any],
    surveys: list[str] | None,
    zone: ZoneInfo,
    now: datetime,
    at_once: bool = False,
) -> Trial:
    """What a rule (`when`, `segment`, `filters`) would have said in the last year.

    `at_once`: a page waits for it, so there are fewer shuffles of many segments.
    """
    most = _AT_ONCE if at_once else _ALL
    spoken, watched, chance = _TRIED[rule["when"]["kind"]](rule, surveys, zone, now, most)
    latest = [
        Spoken(at, notices.sentence(rule["when"]["kind"], why), over, why.get("response"))
        for at, why, over in spoken[-MOST_SPOKEN:]
    ]
    times = len(spoken)
    if rule["when"]["kind"] in (notices.SCORE, notices.ANSWER) and times >= most[1]:
        times = max(times, feed.count(_of_answers(rule, now), surveys))
    return Trial(latest, times, chance, watched)


# ------------------------------------------------------------------------------------------------------


#: Something a rule would have said: when, with which numbers, and when it was over.
_Times = list[tuple[datetime, dict[str, Any], datetime | None]]
_Tried = tuple[_Times, int, float | None]

#: How much is looked at.
_Most = tuple[int, int]


def _value(
    rule: Mapping[str, Any], surveys: list[str] | None, zone: ZoneInfo, now: datetime, most: _Most
) -> _Tried:
    when, segment = rule["when"], rule["segment"]
    until = weeks.this_week(now, zone)
    since = until - timedelta(weeks=WEEKS_A_YEAR + BASELINE)
    series = weeks.read(when, segment, rule["filters"], since, until, zone)
    length = max(map(len, series.values()), default=0)
    spoken: _Times = [
        (
            weeks.said_at(spell.began, zone),
            weeks.why(when, segment, spell),
            weeks.said_at(spell.over, zone) if spell.over else None,
        )
        for spell in alarms.spells(series, when["floor"], when["margin"])
    ]
    watched = max(0, length - BASELINE) if any(map(alarms.is_watched, series.values())) else 0
    shuffles = min(alarms.SHUFFLES, max(10, most[0] // max(1, length * len(series))))
    orders = _orders(length, shuffles)
    chance = alarms.by_chance(series, orders, when["floor"], when["margin"]) if watched else None
    return spoken, watched, chance


def _orders(length: int, shuffles: int) -> Iterator[Sequence[int]]:
    chosen = random.Random(SEED)
    places = list(range(length))
    for _ in range(shuffles):
        chosen.shuffle(places)
        yield places


def _answers(
    rule: Mapping[str, Any], surveys: list[str] | None, zone: ZoneInfo, now: datetime, most: _Most
) -> _Tried:
    when, filters = rule["when"], _of_answers(rule, now)
    spoken: _Times = []
    position: tuple[int, int] | None = None
    at_most = most[1]
    while True:
        found = feed.page(filters, min(MOST_SPOKEN, at_most), "desc", position, surveys)
        spoken += [
            (item.created_at, {"score": item.score, **when, "response": item.id}, None)
            for item in found.items
            if not (item.test or item.excluded)
        ]
        position = found.position
        if position is None or len(spoken) >= at_most:
            return spoken[::-1], WEEKS_A_YEAR, None


def _of_answers(rule: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Which answers of the last year a rule of single answers would have spoken of."""
    when, filters = rule["when"], {"excluded": "0", **rule["filters"], "since": now - YEAR}
    if when["kind"] == notices.SCORE:
        filters["score_max"] = min(when["at_or_below"], filters.get("score_max", when["at_or_below"]))
    return filters


def _surge(
    rule: Mapping[str, Any], surveys: list[str] | None, zone: ZoneInfo, now: datetime, most: _Most
) -> _Tried:
    last = weeks.this_week(now, zone)
    mondays = [schedule.starts_at(last - timedelta(weeks=back), zone) for back in range(WEEKS_A_YEAR, -1, -1)]
    scope = reports.Scope(watched_surveys(rule["filters"], surveys))
    spoken: _Times = []
    before: set[str] = set()
    for moment, found in zip(mondays, reports.surging(scope, zone, mondays), strict=True):
        for surge, label in found:
            if surge.topic not in before:
                spoken.append((moment, {"label": label, "n": surge.now, "expected": surge.expected}, None))
        before = {surge.topic for surge, _ in found}
    return spoken, WEEKS_A_YEAR, None


def _overdue(
    rule: Mapping[str, Any], surveys: list[str] | None, zone: ZoneInfo, now: datetime, most: _Most
) -> _Tried:
    late = [
        (at, why, over)
        for case in overdue.cases_of(rule["filters"], surveys).where(FollowUp.opened_at >= now - YEAR)
        for at, why, over in overdue.missed(case, now)
    ]
    return sorted(late, key=lambda each: each[0]), WEEKS_A_YEAR, None


def _came_back(
    rule: Mapping[str, Any], surveys: list[str] | None, zone: ZoneInfo, now: datetime, most: _Most
) -> _Tried:
    came = TopicStatus.select(TopicStatus, Topic).join(Topic, on=(Topic.id == TopicStatus.topic))
    came = came.where(TopicStatus.status == notices.CAME_BACK, TopicStatus.at >= now - YEAR)
    if rule["filters"].get("topic"):
        came = came.where(Topic.id == rule["filters"]["topic"])
    if surveys is not None:
        came = came.where(Topic.seen_by(Caller("", "", frozenset(), frozenset(surveys))))
    spoken: _Times = [
        (row.at, {"label": row.topic.label}, None) for row in came.order_by(TopicStatus.at, TopicStatus.id)
    ]
    return spoken, WEEKS_A_YEAR, None


_TRIED = {
    notices.VALUE: _value,
    notices.SCORE: _answers,
    notices.ANSWER: _answers,
    notices.SURGE: _surge,
    notices.OVERDUE: _overdue,
    notices.CAME_BACK: _came_back,
}


def watched_surveys(filters: Mapping[str, Any], surveys: list[str] | None) -> list[Survey]:
    """The surveys that a rule looks at: the one that its filters name, else all that its maker sees."""
    query = Survey.select()
    if filters.get("survey"):
        query = query.where(Survey.id == filters["survey"])
    if surveys is not None:
        query = query.where(Survey.id.in_(surveys))
    return list(query)
