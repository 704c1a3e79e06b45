"""Goals: what is to be reached by when, how each stands in one of four words, and those that have ended."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Any

import marshmallow as ma
from flask import Response, request
from marshmallow import fields, validate

from feedback import filters as the_filters
from feedback import goals, labels, pins, segments
from feedback.dashboard import charts, forms, layout, registry
from feedback.dashboard.words import say
from feedback.domain import goals as rules
from feedback.domain.topics import UNDERSTOOD
from feedback.models import Goal, Pin, Theme, Topic
from feedback.numbers import Brief
from feedback.schemas.goals import GoalBody, GoalPatch, day
from feedback.schemas.kinds import CHANNELS
from surveys import visible
from surveys.base import clock
from surveys.base.errors import Clash, Refused
from surveys.base.http import audited, problems
from surveys.domain import schedule
from surveys.domain.metrics import METRICS
from surveys.domain.metrics.metric import Metric
from surveys.helpdesks.reading import CHANNELS as OF_TICKETS
from surveys.models import Response as Answer
from surveys.models import Survey
from surveys.wording.names import tag_of

ADDRESS = "/team/goals"

#: How many goals one page shows. A team that follows more goals follows none.
MOST = 50

DONE = ("made", "changed", "deleted")


class GoalsQuery(ma.Schema):
    """What was just done, to say it."""

    did = fields.String(validate=validate.OneOf(DONE))


@registry.page(
    title=say("goals"), address=ADDRESS, scope="write", nav="act", icon="goal", place=30, forms=True
)
def index() -> Any:
    """The goals that run, the form for another with what could be told at all, and the goals that have ended."""
    if request.method == "GET":
        did = layout.query(GoalsQuery()).get("did")
        return _page(_Offer(), {}, {}, told=say(f"goals.did.{did}") if did else None)
    given = forms.fields()
    if given.get("do") == "delete":
        goal = visible.own(Goal, given.get("goal", ""), registry.caller())
        goals.delete(goal)
        audited.about(goal.id)
        return layout.led(layout.at(ADDRESS, did="deleted"))
    do, offer = given.get("do"), _Offer()
    values, wrong = _loaded(GoalBody(), given, offer)
    row = None
    if not wrong:
        try:
            row = goals.tried(values, registry.caller(), clock.now())
            # Whoever sets what nobody can ever judge is asked before.
            unsure = do == "create" and not _can_be_judged(row)
            if do != "try" and not unsure:
                goals.keep(row, registry.caller())
        except Refused as error:
            wrong = _by_field(error)
    if wrong or row is None:
        return _page(offer, given, wrong, 422)
    if do == "try" or unsure:
        audited.unchanged()
        return _page(offer, given, {}, trial=_planned(row), unsure=unsure)
    audited.about(row.id)
    return layout.led(layout.at(ADDRESS, did="made"))


@registry.page(title=say("goals.one"), address=f"{ADDRESS}/<goal_id>", scope="write", forms=True)
def one(goal_id: str) -> Any:
    """One goal, and the form that changes what is to be reached by when."""
    row, offer = visible.own(Goal, goal_id, registry.caller()), _Offer()
    if request.method == "GET":
        return _one(row, offer, {}, {})
    given = forms.fields()
    values, wrong = _loaded(GoalPatch(), given, offer, row)
    if not wrong:
        try:
            goals.change(row, values, clock.now(), given.get("version"))
        except Refused as error:
            wrong = _by_field(error)
        except Clash as clash:
            row = visible.own(Goal, goal_id, registry.caller())
            shown = forms.joined(_fields(row, offer), given)
            return _one(row, offer, shown, {}, 409, f"{clash.message} {say('typed')}")
    if wrong:
        return _one(visible.own(Goal, goal_id, registry.caller()), offer, given, wrong, 422)
    audited.about(row.id)
    return layout.led(layout.at(ADDRESS, did="changed"))


# ------------------------------------------------------------------------------------------------------


#: Segments whose values have names that answers carry.
_OF_ANSWERS = ("agent", "team", "touchpoint")

#: Properties that are offered.
MOST_PROPERTIES = 30

#: Names that an error names.
MOST_NAMED = 20

#: The channels of tickets that helpdesks' own are told as.
TICKET_CHANNELS = frozenset(OF_TICKETS.values())


class _Offer:
    """What the caller may narrow goals by, asked for once a call."""

    @cached_property
    def surveys(self) -> list[Survey]:
        """The surveys that the caller sees, by name."""
        return list(visible.surveys(registry.caller()).order_by(Survey.name, Survey.id))

    @cached_property
    def properties(self) -> list[str]:
        """The properties that surveys are counted by, and those of the newest answers, as segments."""
        kept = [name for survey in self.surveys for name in survey.segments]
        seen = sorted(segments.lately([survey.id for survey in self.surveys], MOST_PROPERTIES))
        return [f"{segments.PROPERTY}{name}" for name in dict.fromkeys([*kept, *seen])]

    @cached_property
    def values(self) -> dict[str, list[tuple[str, str]]]:
        """The values of segments that answers had lately, or that stand: of each its id and what it is called."""
        ids = [survey.id for survey in self.surveys]
        today = schedule.day_of(clock.now(), layout.zone())
        found = the_filters.lately((*_OF_ANSWERS, "ticket_channel"), ids, today)
        for name, table in (("topic", Topic), ("theme", Theme)) if registry.seen() is None else ():
            rows: Any = table.select(table.id, labels.column(table)).where(table.merged_into.is_null())
            found[name] = sorted(rows.tuples(), key=lambda each: each[1].casefold())
        found["channel"] = [(channel, channel) for channel in CHANNELS]
        named = dict.fromkeys([*(key for key, _ in found["ticket_channel"]), *sorted(TICKET_CHANNELS)])
        found["ticket_channel"] = [(channel, channel) for channel in named]
        # What comments are told by, and no second wording of a language (pt-BR).
        found["language"] = [(tag, say(f"language.{tag}")) for tag in UNDERSTOOD]
        return found

    def segments(self, chosen: str = "") -> list[tuple[str, str]]:
        """What a goal may be narrowed by: the key, and what it is called."""
        is_new = chosen.startswith(segments.PROPERTY) and chosen not in self.properties
        return [
            *((key, say(f"filter.{key}")) for key in segments.SEGMENTS),
            *((key, _segment_name(key)) for key in [*self.properties, *([chosen] if is_new else [])]),
        ]

    def meant(self, segment: str, value: str) -> tuple[str, str | None]:
        """The id of what somebody named, by its id or by what it is called; or what is wrong with that."""
        known = self.values.get(segment)
        # Nobody can list the values of properties; a topic that is hidden is refused with the filters.
        if known is None or value in dict(known):
            return value, None
        called = [key for key, name in known if name.casefold() == value.casefold()]
        if len(called) > 1:
            return value, say("goals.segment.several", ids=", ".join(called))
        if called:
            return called[0], None
        if segment == "language":
            tag = _language(value)
            return (tag, None) if tag in UNDERSTOOD else (value, _unknown(known, len(known)))
        if segment in _OF_ANSWERS and self._is_there(segment, value):
            return value, None
        return value, _unknown(known)

    def called(self, segment: str, value: str) -> str:
        """What a value is called, where that means it and nothing else; else the value."""
        name = dict(self.values.get(segment, ())).get(value, value)
        return name if name == value or self.meant(segment, name) == (value, None) else value

    def _is_there(self, segment: str, value: str) -> bool:
        """Whether an answer that the caller sees has a value."""
        mine = visible.narrowed(Answer.select(), registry.caller())
        return bool(mine.where(segments.column(segment) == value).exists())


#: Before the key of a metric, among the surveys that a goal can be of: all surveys of the metric.
OF_METRIC = "metric:"


def _loaded(
    schema: GoalPatch, given: Mapping[str, str], offer: _Offer, row: Goal | None = None
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """A form as a goal, or what is wrong with it by field. What stays empty is left as it is.

    `row`: the goal that it changes. What it is narrowed by stands where the form still says the same.
    """
    body: dict[str, Any] = {
        name: given[name].strip() for name in ("name", "start", "due") if given.get(name, "").strip()
    }
    of = given.get("survey", "")
    if of:
        body |= {"metric": of.removeprefix(OF_METRIC)} if of.startswith(OF_METRIC) else {"survey": of}
    try:
        body["target"] = float(given.get("target", "").strip())
    except ValueError:
        body["target"] = given.get("target", "")
    segment, value = given.get("segment", "").strip(), given.get("value", "").strip()
    stored = _fields(row, offer) if row is not None and segment else {}
    if segment and (segment, value) == (stored.get("segment"), stored.get("value")):
        pass
    elif segment or value:
        if segment not in dict(offer.segments(segment)):
            return {}, {"segment": [say("goals.segment.choose")]}
        value, unknown = offer.meant(segment, value)
        if unknown:
            return {}, {"value": [unknown]}
        body["filters"] = {segment: value}
    elif "segment" in given:
        body["filters"] = {}
    try:
        loaded: dict[str, Any] = schema.load(body)
        the_filters.check(loaded.get("filters", {}), registry.caller(), "filters.")
    except ma.ValidationError as error:
        return {}, _named(problems.flatten(error.messages_dict))
    except Refused as error:
        return {}, _by_field(error)
    zone = layout.zone()
    days: dict[str, Any] = {name: day(loaded[name], zone) for name in ("start", "due") if name in loaded}
    begins = {"start": schedule.day_of(clock.now(), zone)} if isinstance(schema, GoalBody) else {}
    return {**begins, **loaded, **days}, {}


def _by_field(error: Refused) -> dict[str, list[str]]:
    return _named({field: [error.message] for field in error.fields})


def _named(wrong: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """What is wrong by the fields that the forms have."""
    fields_of = {"metric": "survey"}
    return {
        "value" if name.startswith("filters") else fields_of.get(name, name): lines
        for name, lines in wrong.items()
    }


def _fields(row: Goal, offer: _Offer) -> dict[str, str]:
    """What stands in the form of a goal. One that several segments narrow has no fields for them."""
    found = {"name": row.name, "target": f"{row.target:.10g}", "start": row.start, "due": row.due}
    if len(row.filters) > 1:
        return found
    segment, value = next(iter(row.filters.items()), ("", ""))
    return {**found, "segment": segment, "value": offer.called(segment, str(value))}


def _segment_name(segment: str) -> str:
    return (
        segment.removeprefix(segments.PROPERTY)
        if segment not in segments.SEGMENTS
        else say(f"filter.{segment}")
    )


def _language(value: str) -> str:
    """The tag by which comments in a language are told: `nb` also for what is called "Norwegian", or `no`."""
    tag = (tag_of(value) or value).partition("-")[0].lower()
    return "nb" if tag in ("no", "nn") else tag


def _unknown(known: Sequence[tuple[str, str]], most: int = MOST_NAMED) -> str:
    """That a value is none, and which there are."""
    if not known:
        return say("goals.segment.none")
    return say("goals.segment.unknown", known=", ".join(name for _, name in known[:most]))


def _one(
    row: Goal,
    offer: _Offer,
    given: Mapping[str, str],
    wrong: Mapping[str, list[str]],
    status: int = 200,
    clash: str | None = None,
) -> Response:
    """A goal with its form; with something `wrong` in it, or after a `clash`, as it was typed."""
    if wrong or clash:
        audited.unchanged()
    stored = _fields(row, offer)
    return layout.page(
        "goal.html",
        row.name,
        status,
        goal=_card(row, offer, pins.within(registry.seen())),
        segments=offer.segments(stored.get("segment", "")),
        values=_offered(offer.values),
        given=given or stored,
        stored=stored,
        # A form that is shown as it was sent is still about what it began with.
        version=(given.get("version") if wrong else None) or goals.version(row),
        before=(given.get(forms.BEGUN) if wrong else None) or forms.begun(stored),
        errors=wrong,
        wrong=clash,
    )


def _page(
    offer: _Offer,
    given: Mapping[str, str],
    wrong: Mapping[str, list[str]],
    status: int = 200,
    told: str | None = None,
    trial: str | None = None,
    unsure: bool = False,
) -> Response:
    if wrong:
        audited.unchanged()
    rows = visible.narrowed(Goal.select(), registry.caller()).order_by(Goal.due, Goal.id).limit(MOST)
    noted = pins.within(registry.seen())
    cards = [_card(row, offer, noted) for row in rows]
    return layout.page(
        "goals.html",
        say("goals"),
        status,
        running=[card for card in cards if not card["ended"]],
        ended=[card for card in reversed(cards) if card["ended"]],
        surveys=offer.surveys,
        metrics=[(f"{OF_METRIC}{metric.key}", metric.name) for metric in _metrics(offer.surveys)],
        given=given,
        errors=wrong,
        told=told,
        trial=trial,
        unsure=unsure,
        segments=offer.segments(given.get("segment", "")),
        values=_offered(offer.values),
        today=schedule.day_of(clock.now(), layout.zone()).isoformat(),
    )


def _offered(known: Mapping[str, Sequence[tuple[str, str]]]) -> list[str]:
    """The names that are offered while somebody types."""
    return sorted({name for values in known.values() for _, name in values}, key=str.casefold)


def _metrics(surveys: Sequence[Survey]) -> list[Metric]:
    """The metrics that these surveys ask, for goals over all surveys of one."""
    asked = {survey.metric for survey in surveys}
    return [metric for key, metric in METRICS.items() if key in asked]


def _card(row: Goal, offer: _Offer, noted: Sequence[Pin]) -> dict[str, Any]:
    """One goal as it was last judged, and what was `noted` meanwhile: no statement is asked for it."""
    metric, found = METRICS[row.metric], goals.stored(row)
    names = {survey.id: survey.name for survey in offer.surveys}
    of = names.get(row.survey_id, "") if row.survey_id else say("goals.of_all")
    about = [
        of,
        metric.name,
        *(f"{_segment_name(k)}: {dict(offer.values.get(k, ())).get(v, v)}" for k, v in row.filters.items()),
    ]
    return {
        "id": row.id,
        "name": row.name,
        "about": " · ".join(part for part in about if part),
        "word": found.word,
        "ended": row.ended_at is not None,
        "judged_at": row.judged_at,
        "target": charts.value(metric, row.target),
        "start": row.start,
        "due": row.due,
        "from": _said(metric, found.baseline),
        "now": _said(metric, found.now) if _has_begun(row) else row.start,
        "since": _since(row),
        "plan": _planned(row),
        "chart": _chart(row, found, [pin for pin in noted if pin.survey_id in (None, row.survey_id)]),
        "points": [
            {
                "start": each.start,
                "n": each.n,
                "value": charts.value(metric, each.value),
                "range": charts.interval(metric, each.interval),
            }
            for each in found.series
            if each.n
        ],
    }


def _said(metric: Metric, brief: Brief) -> str:
    """A value with its interval and how many answers it is of."""
    if not brief.n:
        return say("goals.nobody")
    return say(
        "goals.value",
        value=charts.value(metric, brief.value),
        range=charts.interval(metric, brief.interval),
        n=f"{brief.n:,}",
    )


def _since(row: Goal) -> str:
    """Of which days the value is that a goal stands at: the last four weeks, or fewer where it began later; or that it
    has not begun.
    """
    if not _has_begun(row):
        return say("goals.begins")
    since, until = rules.window(date.fromisoformat(row.start), date.fromisoformat(row.due), _judged_on(row))
    return say("goals.now") if (until - since).days == rules.WINDOW else say("goals.now.since", day=row.start)


def _has_begun(row: Goal) -> bool:
    """Whether a goal had begun when it was last judged."""
    return date.fromisoformat(row.start) <= _judged_on(row)


def _judged_on(row: Goal) -> date:
    return schedule.day_of(row.judged_at or clock.now(), layout.zone())


def _can_be_judged(row: Goal) -> bool:
    """Whether it can ever be told that a goal was reached, as far as answers of before say."""
    found = goals.stored(row)
    smallest, before = found.smallest_visible, found.baseline.value
    if smallest is None or before is None or row.target <= before:
        return True
    return row.target - before >= smallest and found.visible_after_weeks is not None


def _planned(row: Goal) -> str:
    """Whether it can be judged at all with as many answers as there are, in one sentence."""
    found = goals.stored(row)
    smallest, weeks, before = found.smallest_visible, found.visible_after_weeks, found.baseline.value
    if smallest is None or before is None:
        return say("goals.plan.none")
    rise = row.target - before
    if rise <= 0:
        return say("goals.plan.there")
    told = say("goals.plan.smallest", points=charts.number(smallest, 1))
    if not _can_be_judged(row):
        return f"{told} {say('goals.plan.never', points=charts.number(rise, 1))}"
    return f"{told} {say('goals.plan.weeks', n=weeks)}"


def _chart(row: Goal, found: goals.GoalReport, noted: Sequence[Pin]) -> dict[str, Any] | None:
    """The weeks, the target, the straight path to it, and pins; None where there is too little to draw."""
    points = found.series[charts.begun(found.series) :]
    if not any(point.n for point in points):
        return None
    metric, baseline = METRICS[row.metric], found.baseline.value
    start, due = date.fromisoformat(row.start), date.fromisoformat(row.due)
    first, last = points[0].start.toordinal(), points[-1].start.toordinal() + 7
    ends = None
    if baseline is not None and last > start.toordinal():
        begin = max(first, start.toordinal())
        ends = [
            (100 * (at - first) / (last - first), rules.path(baseline, row.target, start, due, at))
            for at in (begin, min(last, due.toordinal()))
        ]
    extra = [row.target, *(value for _, value in ends or [])]
    drawn = charts.series(points, [None] * len(points), goals.scale(metric), _day, extra)
    return {
        "drawn": drawn,
        "pins": charts.marks(
            [(at, pin) for pin in noted if (at := schedule.day_of(pin.at, layout.zone())).toordinal() < last],
            [point.start for point in points],
        ),
        "target": drawn.lines[0][0],
        "path": [(round(x, 3), y) for (x, _), (y, _) in zip(ends, drawn.lines[1:], strict=True)]
        if ends
        else None,
    }


def _day(start: date) -> str:
    return f"{start.day} {start:%b}"
