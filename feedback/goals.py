"""Goals: a value that is to be reached by a day. How one stands is read live, and judged once a week for webhooks."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from feedback import results
from feedback.domain import goals
from feedback.domain.goals import CANNOT_TELL, Level
from feedback.domain.statistics import Interval
from feedback.models import Goal
from feedback.numbers import Brief, Point, Series
from surveys import daily_counts, visible
from surveys.base import clock, db, ids, versions, worker
from surveys.base.accounts import keys
from surveys.base.accounts.caller import Caller
from surveys.base.errors import Clash, Missing, Refused, Unauthorized
from surveys.domain import schedule
from surveys.domain.metrics import METRICS
from surveys.domain.metrics.metric import Metric
from surveys.models import Survey
from surveys.webhooks import telling
from surveys.webhooks.telling import Told, View

log = structlog.get_logger()

CHANGED = "goal.changed"

#: Goals whose words stand on other pages.
MOST_SHOWN = 50

#: The longest that a goal takes.
LONGEST = timedelta(days=366 * 5)


def tried(values: Mapping[str, Any], caller: Caller, now: datetime) -> Goal:
    """A goal (`name`, `survey` or `metric`, `filters`, `target`, the days `start` and `due`), judged and not kept.

    Raises Refused for what cannot be one.
    """
    survey = visible.own(Survey, values["survey"], caller, "survey") if values.get("survey") else None
    row = Goal(
        id=ids.new("goal"),
        name=values["name"],
        survey=survey,
        metric=survey.metric if survey else values["metric"],
        filters=values.get("filters") or {},
        target=values["target"],
        start=values["start"].isoformat(),
        due=values["due"].isoformat(),
        surveys=visible.only(caller),
        made_by=caller.id,
        created_at=now,
    )
    check(row)
    _judge(row, now)
    return row


def create(values: Mapping[str, Any], caller: Caller, now: datetime) -> Goal:
    """Take a goal down. Raises as `tried`, and Unauthorized when the caller's key was taken out of use meanwhile."""
    row = tried(values, caller, now)
    keep(row, caller)
    return row


def keep(row: Goal, caller: Caller) -> None:
    """Take a goal down that was `tried`. Raises Unauthorized when the caller's key was taken out of use meanwhile."""

    def verb() -> None:
        if caller.member is None and not keys.hold(caller.id):
            raise Unauthorized
        row.save(force_insert=True)

    db.write(verb)


def version(row: Goal) -> str:
    """What is to be reached, in short: another goal has another version."""
    return versions.of(row.name, row.filters, row.target, row.start, row.due)


def change(row: Goal, values: Mapping[str, Any], now: datetime, known: str | None = None) -> Goal:
    """Change `name`, `filters`, `target`, `start` or `due`. With other terms it is judged anew, and nobody is told.

    `known`: the version that the change was made from. Raises Clash where it is another by now, Missing where somebody
    deleted it.
    """
    for name, value in values.items():
        setattr(row, name, value.isoformat() if name in ("start", "due") else value)
    check(row)
    row.ended_at = None
    _judge(row, now)

    def verb() -> None:
        db.serialise(f"goal {row.id}")
        stored = Goal.get_or_none(Goal.id == row.id)
        if stored is None:
            raise Missing
        if known is not None and known != version(stored):
            raise Clash("Somebody changed the goal meanwhile.")
        row.save()

    db.write(verb)
    return row


def delete(row: Goal) -> None:
    """It is a goal no more, and its result is forgotten."""
    db.write(Goal.delete().where(Goal.id == row.id).execute)


def check(row: Goal) -> None:
    """Raises Refused for a target off the scale, and for days that cannot be those of a goal."""
    metric = METRICS[row.metric]
    low, high = scale(metric)
    if not low <= row.target <= high:
        raise Refused(f"Must be between {low:.0f} and {high:.0f}: it is a value of {metric.name}.", "target")
    start, due = date.fromisoformat(row.start), date.fromisoformat(row.due)
    if due <= start:
        raise Refused("Must be after the start.", "due")
    if due - start > LONGEST:
        raise Refused("Is more than five years after the start.", "due")
    if (due - start).days < goals.WINDOW:
        raise Refused(f"Give it {goals.WINDOW} days at least: less cannot be judged.", "due")


def scale(metric: Metric) -> tuple[float, float]:
    """The ends of a metric's values."""
    return (-100.0, 100.0) if metric.negative is not None else (0.0, 100.0)


@dataclass(frozen=True, slots=True)
class GoalReport:
    """A goal and how it stands.

    `baseline`: the value of the time before the start; `now`: that of the last four weeks. `word`: what may be said of
    it. `visible_after_weeks` and `smallest_visible`: what could be told at all, see `domain.goals.plan`.
    """

    id: str
    name: str
    filters: Mapping[str, Any]
    target: float
    start: str
    due: str
    created_at: datetime
    ended_at: datetime | None
    survey: str | None
    metric: str
    baseline: Brief
    now: Brief
    word: str
    visible_after_weeks: int | None
    smallest_visible: float | None
    series: Series = ()


def shown(row: Goal, zone: ZoneInfo, now: datetime) -> GoalReport:
    """A goal as it stands now, or the result that was written down; without its weeks."""
    judged = row.judged if row.ended_at and row.judged else _standing(row, zone, now)
    return _report(row, {**judged, "series": ()})


def stored(row: Goal) -> GoalReport:
    """The same as it was last judged, with its weeks, without a statement."""
    return _report(row, row.judged or {})


def running(rows: Any) -> dict[str, list[tuple[str, str]]]:
    """The names and words of goals that run, out of a query, by the survey that each is of."""
    found: dict[str, list[tuple[str, str]]] = {}
    query = rows.where(Goal.ended_at.is_null(), Goal.survey.is_null(False)).order_by(Goal.due, Goal.id)
    said: Any = query.select(Goal.survey, Goal.name, Goal.judged).limit(MOST_SHOWN).tuples()
    for survey, name, judged in said:
        found.setdefault(survey, []).append((name, (judged or {}).get("word", CANNOT_TELL)))
    return found


def hourly(now: datetime) -> None:
    """Judge goals beside the worker's other work."""
    worker.beside(lambda: look(now), "goals")


def look(now: datetime) -> None:
    """Judge each goal that runs; once a week, and when it has ended, webhooks hear of what can be told apart."""
    for row in list(Goal.select().where(Goal.ended_at.is_null()).order_by(Goal.id)):
        try:
            _look(row, now)
        except Exception as error:
            if db.away(error):
                raise
            log.error("goal cannot be judged", goal=row.id, exc_info=error)


def series(row: Goal, zone: ZoneInfo, now: datetime) -> list[dict[str, Any]]:
    """The weeks of a goal with those that say where it began: `start`, `n`, `value` and `interval` of each."""
    first = date.fromisoformat(row.start) - timedelta(days=goals.BEFORE)
    last = min(schedule.day_of(now, zone) + timedelta(days=1), date.fromisoformat(row.due))
    until = schedule.starts_at(last, zone)
    selection = results.Selection(
        METRICS[row.metric],
        _surveys(row),
        schedule.starts_at(first, zone),
        until,
        "week",
        segments=row.filters,
    )
    if not selection.surveys or until <= schedule.starts_at(first, zone):
        return []
    points = results.number(selection, zone, now).series
    return [
        {"start": each.start.isoformat(), "n": each.n, "value": each.value, "interval": each.interval}
        for each in points
    ]


class _OfGoals:
    """A goal, as the API shows it."""

    def data(self, subject: str, surveys: Sequence[str] | None) -> Mapping[str, Any] | None:
        row = Goal.get_or_none(Goal.id == subject)
        if row is None or not _is_of(row, surveys):
            return None
        found = asdict(shown(row, daily_counts.time_zone(), clock.now()))
        return {
            name: clock.stamp(value) if isinstance(value, datetime) else value
            for name, value in found.items()
            if name != "series"
        }

    def example(self, surveys: Sequence[str] | None) -> str | None:
        rows = Goal.select().order_by(Goal.created_at.desc())
        return next((row.id for row in rows if _is_of(row, surveys)), None)


#: What is told of the types of event of this room.
VIEWS: dict[str, View] = {CHANGED: _OfGoals()}


# ------------------------------------------------------------------------------------------------------


_NAMES = ("id", "name", "filters", "target", "start", "due", "created_at", "ended_at")


def _report(row: Goal, judged: Mapping[str, Any]) -> GoalReport:
    """A goal with how it was judged, as that is kept."""
    return GoalReport(
        **{name: getattr(row, name) for name in _NAMES},
        survey=row.survey_id,
        metric=row.metric,
        baseline=Brief(*_values(judged.get("baseline") or {})),
        now=Brief(*_values(judged.get("now") or {})),
        word=judged.get("word", CANNOT_TELL),
        visible_after_weeks=judged.get("visible_after_weeks"),
        smallest_visible=judged.get("smallest_visible"),
        series=tuple(
            Point(*_values(week), date.fromisoformat(week["start"])) for week in judged.get("series", ())
        ),
    )


def _values(kept: Mapping[str, Any]) -> tuple[int, float | None, Interval | None]:
    interval = kept.get("interval")
    return kept.get("n", 0), kept.get("value"), None if interval is None else (interval[0], interval[1])


def _is_of(row: Goal, surveys: Sequence[str] | None) -> bool:
    """Whether somebody who sees these surveys sees all that the goal is made of."""
    made_of = [row.survey_id] if row.survey_id else row.surveys
    return surveys is None or (made_of is not None and set(made_of) <= set(surveys))


def _surveys(row: Goal) -> list[Survey]:
    query = Survey.select().where(Survey.metric == row.metric)
    if row.survey_id:
        query = query.where(Survey.id == row.survey_id)
    if row.surveys is not None:
        query = query.where(Survey.id.in_(row.surveys))
    return list(query.order_by(Survey.id))


def _standing(row: Goal, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    """Where a goal began, where it stands, what may be said of it, and what could be told at all."""
    start, due = date.fromisoformat(row.start), date.fromisoformat(row.due)
    surveys = _surveys(row)
    before = _level(row, surveys, start - timedelta(days=goals.BEFORE), start, zone)
    days = goals.window(start, due, schedule.day_of(now, zone))
    level = _level(row, surveys, *days, zone)
    planned = goals.plan(before, row.target, start, due)
    return {
        "baseline": _brief(before),
        "now": _brief(level),
        "word": goals.word(before.value, row.target, start, due, days, level),
        "visible_after_weeks": planned.weeks,
        "smallest_visible": None if planned.smallest is None else round(planned.smallest, 1),
    }


def _level(row: Goal, surveys: list[Survey], since: date, until: date, zone: ZoneInfo) -> Level:
    metric = METRICS[row.metric]
    begins, ends = schedule.starts_at(since, zone), schedule.starts_at(until, zone)
    if not surveys or ends <= begins:
        return goals.level(0, None, None, 0, 0)
    found = results.summary(results.Selection(metric, surveys, begins, ends, segments=row.filters), zone)
    negative = found.counts.get(metric.negative, 0) if metric.negative is not None else 0
    return goals.level(found.n, found.value, found.interval, found.counts.get(metric.positive, 0), negative)


def _brief(level: Level) -> dict[str, Any]:
    interval = None if level.interval is None else [round(edge, 4) for edge in level.interval]
    return {
        "n": level.n,
        "value": None if level.value is None else round(level.value, 4),
        "interval": interval,
    }


def _judge(row: Goal, now: datetime) -> None:
    """Judge a goal whose terms are new: its word is known, and nobody is told."""
    zone = daily_counts.time_zone()
    row.judged, row.judged_at = _judged(row, zone, now), now
    row.told = row.judged["word"] if row.judged["word"] != CANNOT_TELL else None


def _judged(row: Goal, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    return {**_standing(row, zone, now), "series": series(row, zone, now)}


def _look(row: Goal, now: datetime) -> None:
    zone = daily_counts.time_zone()
    today, judged = schedule.day_of(now, zone), _judged(row, zone, now)
    ends = today.isoformat() >= row.due
    monday = schedule.first_day(today, "week")
    is_new_week = row.judged_at is None or row.judged_at < schedule.starts_at(monday, zone)
    said = judged["word"]
    tells = ends or (is_new_week and said not in (CANNOT_TELL, row.told))

    def verb() -> None:
        values: dict[str, Any] = {"judged": judged, "judged_at": now, "ended_at": now if ends else None}
        if tells and said != CANNOT_TELL:
            values["told"] = said
        # Whoever changed it meanwhile judged it anew.
        mine = (Goal.id == row.id) & (Goal.judged_at == row.judged_at) & Goal.ended_at.is_null()
        if Goal.update(values).where(mine).execute() and tells:
            mark = f"{'end' if ends else monday.isoformat()} {row.target} {row.due}"
            telling.tell(Told(CHANGED, row.id, survey=row.survey_id, mark=mark), now)

    db.write(verb)
