"""What filters of the feed and of numbers name: whether it is there, and for the caller to see."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from peewee import fn

from feedback import results, segments
from feedback.models import Placement, Theme, Topic
from surveys import visible
from surveys.base.accounts.caller import Caller
from surveys.base.errors import Refused
from surveys.models import Person, Response, SegmentCount, Survey

#: How many days back values of segments are looked for, and how many of one segment are named: the most frequent.
LATELY, MOST_NAMED = 92, 200

#: Answers that are read for them where nothing is counted yet.
NEWEST = 1000


def check(filters: Mapping[str, Any], caller: Caller, prefix: str = "") -> None:
    """Raises Refused for a survey, topic, theme or person that is not there, or that the caller may not see.

    `prefix`: where in the body the filters stand, as `filters.`.
    """
    for name, there in (("survey", _surveys), ("topic", _topics), ("theme", _themes), ("person", _people)):
        if filters.get(name) is not None and not there(filters[name], caller).exists():
            raise Refused(f"There is no such {name}.", f"{prefix}{name}")


def moments(filters: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """Filters as the queries want them: `since` and `until` as moments, days beginning in `zone`."""
    return {
        name: value.moment(zone) if name in ("since", "until") and value else value
        for name, value in filters.items()
    }


def lately(names: Sequence[str], surveys: Sequence[str], today: date) -> dict[str, list[tuple[str, str]]]:
    """The values of some segments that answers of the last three months had, each with what it is called, by name.

    They come from the counts of days and months that are over: what is new today is named tomorrow. Before there are
    any, and where a period has too many values to count, they come from the newest answers too.
    """
    days = [(today - timedelta(days=back)).isoformat() for back in range(1, LATELY)]
    periods = {day for day in days if day[:7] == days[0][:7]} | {day[:7] for day in days}
    rows: Any = SegmentCount.select(SegmentCount.segment, SegmentCount.counts).where(
        SegmentCount.survey.in_(list(surveys)),
        SegmentCount.segment.in_(list(names)),
        SegmentCount.period.in_(sorted(periods)),
    )
    latest: dict[str, dict[str, int]] = {name: {} for name in names}
    often: dict[str, Counter[str]] = {name: Counter() for name in names}
    uncounted = set()
    for name, counts in rows.tuples():
        if counts is None:
            uncounted.add(name)
        for value, key, *scores in counts or ():
            if value is not None:
                latest[name][value] = max(key, latest[name].get(value, 0))
                often[name][value] += sum(scores[1::2])
    if not any(latest.values()):
        uncounted = set(names)
    for name, value, key in _newest(sorted(uncounted), surveys) if uncounted else ():
        latest[name].setdefault(value, key)
        often[name][value] += 1
    found = {}
    for name, keys in latest.items():
        keys = {value: keys[value] for value, _ in often[name].most_common(MOST_NAMED)}
        called = results.names(name, keys) if keys else {}
        named = [(value, (called or {}).get(value) or value) for value in keys]
        found[name] = sorted(named, key=lambda each: each[1].casefold())
    return found


# ------------------------------------------------------------------------------------------------------


def _newest(names: Sequence[str], surveys: Sequence[str]) -> Iterator[tuple[str, str, int]]:
    """The values of segments in the newest answers, the latest first: of each the segment, the value and the key."""
    columns = [segments.column(name).alias(f"of_{at}") for at, name in enumerate(names)]
    rows: Any = Response.select(Response.key, *columns).where(Response.survey.in_(list(surveys)))
    for key, *values in rows.order_by(Response.key.desc()).limit(NEWEST).tuples():
        for name, value in zip(names, values, strict=True):
            if value is not None:
                yield name, value, key


def _surveys(survey_id: str, caller: Caller) -> Any:
    return visible.surveys(caller).where(Survey.id == survey_id)


def _people(person_id: str, caller: Caller) -> Any:
    return visible.narrowed(Person.select().where(Person.id == person_id), caller)


def _themes(theme_id: str, caller: Caller) -> Any:
    """A theme; of one that was merged, some answer may be in a topic of the one it went into."""
    found = Theme.select().where(Theme.id == theme_id)
    mine = visible.only(caller)
    if mine is None:
        return found
    return found.where(
        fn.EXISTS(Response.select().where(segments.placed(theme_id), Response.survey.in_(mine)))
    )


def _topics(topic_id: str, caller: Caller) -> Any:
    """A topic; of one that was merged, some answer may be in the one it went into."""
    found = Topic.select().where(Topic.id == topic_id)
    mine = visible.only(caller)
    if mine is None:
        return found
    said = Placement.select().join(Response, on=(Response.key == Placement.response))
    return found.where(
        fn.EXISTS(said.where(Placement.topic.in_(Topic.standing(topic_id)), Response.survey.in_(mine)))
    )
