"""What topics and themes come to, in words, each number with the feed that shows the same answers."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from flask import request

from feedback import labels, pins
from feedback.dashboard import charts, layout, registry, words
from feedback.dashboard.charts import number, signed
from feedback.domain import statistics
from feedback.domain.drivers import Impact
from feedback.domain.topics import Change
from feedback.domain.values import plain
from feedback.models import Theme, Topic
from feedback.topics import reports, topics
from feedback.topics.rehearsals import Part, Rehearsal
from feedback.topics.report import Measured, ThemeLine, ThemeReport, TopicReport
from feedback.topics.reports import Scope
from surveys import visible
from surveys.base import clock
from surveys.domain import schedule
from surveys.domain.metrics.metric import Metric
from surveys.models import Person

say = words.say

Group = TypeVar("Group", Topic, Theme)

#: A topic is new for so long.
NEW_FOR = timedelta(days=14)

#: People that are named.
MOST_PEOPLE = 10

#: What stays in the address from one page of topics and themes to the next.
SCOPE = ("survey", "metric", "since", "until", "as_of")


def query(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What of the address narrows the feed alike."""
    return {name: request.args[name] for name in SCOPE if asked.get(name)}


def everybody(scope: Scope, asked: Mapping[str, Any]) -> bool:
    """Whether also what nobody of the scope speaks of is shown."""
    return not scope.limited and not ({"survey", "metric", "as_of"} & set(asked))


def scope_of(asked: Mapping[str, Any]) -> tuple[Scope, datetime]:
    """The answers that a page of topics or themes looks at, and the moment from which it looks back on their weeks."""
    scope, now = reports.scope_of(asked, registry.caller(), layout.zone()), clock.now()
    until = layout.as_of(asked)
    if until is None or until > now:
        return scope, now
    if scope.until is None or until < scope.until:
        scope = replace(scope, until=until)
    # The last moment that is still looked at, so that its day is the last.
    return scope, until - timedelta(microseconds=1)


def reading(scope: Scope) -> str | None:
    """While comments of the scope are still being read: how many, and how many are in a topic so far."""
    return words.being_read(*(reports.being_read(scope) or (0, 0, 0)))


def standing(table: type[Group], *more: Any, but: str = "") -> list[Group]:
    """The topics or themes that went into no other, by name, all `but` one; with `more` columns than their names."""
    live = table.select(table.id, table.label, table.names, *more)
    live = live.where(table.merged_into.is_null(), table.id != but)
    return sorted(live, key=lambda group: labels.of(group).casefold())


def into(row: Topic | Theme) -> Topic | Theme | None:
    """What a topic or theme has gone into; None where it stands, or the caller may not see that."""
    if row.merged_into is None:
        return None
    table = type(row)
    gone: Any = table.select(table.id, table.merged_into).where(table.merged_into.is_null(False)).tuples()
    found = table.get_or_none(table.id == topics.final(row.merged_into, dict(gone)))
    return found if found is not None and visible.sees(found, registry.caller()) else None


def lineage(line: Change | ThemeLine, told: str, level: str, href: str | None) -> dict[str, Any]:
    """A line of lineage of a topic or theme (`level`), with the names of that time; `told`: the key of its words."""
    unknown = say(f"{level}.unknown")
    names = {name: getattr(line, name) or unknown for name in ("label", "other_label", "former_label")}
    return {
        "at": line.at,
        "told": say(told, **names),
        "by": say("lineage.person" if line.by_person else "lineage.review"),
        "href": href,
        "label": names["label"],
    }


def measured(item: TopicReport | ThemeReport) -> Measured:
    """What a topic or theme comes to. Raises TypeError for one that was not measured, as one that was merged."""
    if not isinstance(item.numbers, Measured):
        raise TypeError(f"{item.id} was not measured")
    return item.numbers


def shown(
    item: TopicReport | ThemeReport,
    comments: int,
    metric: Metric | None,
    query: dict[str, Any],
    now: datetime,
    level: str = "topic",
) -> dict[str, Any]:
    """What a topic, or a theme (`level`), is, and its numbers in words, each with the feed that shows the same answers.

    `comments`: how many there are in all.
    """
    numbers = measured(item)
    size, impact, surge = numbers.size, numbers.impact, numbers.surge
    within = {**query, level: item.id, "excluded": "0"}
    # There are hundreds of weeks on the page: each adds its two days to one address.
    at_all_times = layout.at("/team/feed", {**within, "since": None, "until": None})
    most = max((week.n for week in numbers.trend), default=0) or 1
    many = len(numbers.trend) or 1
    felt = sum(numbers.sentiment.values()) or 1
    interval = statistics.share_interval(min(size, comments), comments)
    weeks: list[dict[str, Any]] = [
        {
            "start": week.start,
            "n": week.n,
            "left": round(100 * at / many, 2),
            "width": round(70 / many, 2),
            "height": round(22 * week.n / most, 1),
            "href": f"{at_all_times}&since={week.start}&until={_week_after(week.start)}",
        }
        for at, week in enumerate(numbers.trend)
    ]
    return {
        **plain(item),
        "size": size,
        "n": impact.n if impact else 0,
        "sentiment": numbers.sentiment,
        "share_shown": say("share", value=number(100 * numbers.share, 1)),
        "share_range": say("range.share", low=number(interval[0], 1), high=number(interval[1], 1))
        if interval
        else "",
        "all": layout.at("/team/feed", within),
        "weeks": weeks,
        "spark": charts.spark(weeks, 22),
        "feelings": [(name, n, round(100 * n / felt, 2)) for name, n in numbers.sentiment.items()],
        "value_shown": charts.value(metric, impact.value) if metric and impact and impact.n else None,
        "value_range": charts.interval(metric, impact.value_interval if impact else None) if metric else "",
        **_impact(impact),
        "scored": layout.at("/team/feed", {**query, level: item.id, "counted": "1"}),
        "is_new": timedelta(0) <= now - item.created_at < NEW_FOR,
        "surge_told": say("rising.expected", n=surge.now, expected=number(surge.expected)) if surge else None,
    }


def are_seasoned(now: datetime) -> bool:
    """Whether some topic is older than new: where all are new, none is called so."""
    return Topic.select().where(Topic.merged_into.is_null(), Topic.created_at < now - NEW_FOR).exists()


def pinned(item: TopicReport | ThemeReport, scope: Scope) -> list[charts.Mark]:
    """What was noted in the weeks of a trend that the scope looks at, on charts of its surveys or on all."""
    trend = measured(item).trend
    if not trend:
        return []
    zone, starts = layout.zone(), [week.start for week in trend]
    begin, end = (schedule.starts_at(day, zone) for day in (starts[0], starts[-1] + timedelta(weeks=1)))
    end = min(end, scope.until or end)
    noted = pins.within([survey.id for survey in scope.surveys], begin, end)
    return charts.marks([(schedule.day_of(pin.at, zone), pin) for pin in noted], starts)


def people(
    topic_ids: Sequence[str], scope: Scope, query: dict[str, Any], within: int = reports.MOST_SPEAKING
) -> dict[str, Any] | None:
    """Who speaks of some topics in their newest comments (`within`); names are for those who may see people.

    `query`: what the feed that shows a person's answers is narrowed to.
    """
    if not layout.may("write"):
        return None
    found = reports.speakers(topic_ids, scope, MOST_PEOPLE, within)
    known = {
        each.id: each
        for each in visible.narrowed(Person.select(), registry.caller()).where(
            Person.id.in_([id_ for id_, _ in found.newest])
        )
    }
    return {
        "found": found,
        "is_all": found.comments < within,
        "newest": [
            {
                "id": id_,
                "name": known[id_].name or known[id_].shown_email or say("about.nameless"),
                "n": n,
                "href": layout.at("/team/feed", {**query, "person": id_, "excluded": "0"}),
            }
            for id_, n in found.newest
            if id_ in known
        ],
    }


def rehearsed(found: Rehearsal, metric: Metric | None) -> dict[str, Any]:
    """A rehearsal in words."""
    return {
        "moving": found.moving,
        "both": found.both,
        "before": [_part(part, metric) for part in found.before],
        "after": [_part(part, metric) for part in found.after],
    }


# ------------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=64)
def _week_after(day: date) -> str:
    return (day + timedelta(weeks=1)).isoformat()


def _impact(found: Impact | None) -> dict[str, Any]:
    points, interval = (found.impact, found.interval) if found else (None, None)
    if points is None or interval is None:
        return {"impact_shown": None, "impact_range": "", "impact_tone": ""}
    spans = interval[0] <= 0 <= interval[1]
    return {
        "impact_shown": signed(points, 1),
        "impact_range": say("range", low=signed(interval[0], 1), high=signed(interval[1], 1)),
        "impact_tone": "" if spans else "good" if points > 0 else "bad",
    }


def _part(part: Part, metric: Metric | None) -> dict[str, Any]:
    low, high = part.interval or (0.0, 0.0)
    impact: Impact | None = part.impact
    return {
        "label": part.label,
        "n": part.n,
        "share": say("share", value=number(part.share, 1)),
        "range": say("range.share", low=number(low, 1), high=number(high, 1)),
        "value": charts.value(metric, impact.value) if metric and impact else None,
        **_impact(impact),
    }
