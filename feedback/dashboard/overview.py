"""The overview: what each survey comes to, what may be said of it, what moved it, and the newest words."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote

from flask import request
from markupsafe import Markup

from feedback import drivers, feed, goals, pins, results, rollups
from feedback.dashboard import charts, layout, measures, registry, words
from feedback.dashboard.charts import number, signed
from feedback.domain import bands, silence, surges
from feedback.models import Benchmark, Goal, Pin
from feedback.numbers import Asked, Mover, Number, Series
from feedback.schemas.team import PERIODS, OverviewForm, OverviewQuery
from feedback.topics import reports
from surveys import visible
from surveys.base import clock
from surveys.base.errors import Refused
from surveys.base.http import bodies
from surveys.domain import schedule
from surveys.domain.metrics import METRICS
from surveys.domain.metrics.metric import Metric
from surveys.models import Survey

say = words.say

#: Surveys on the page, those made last; a team with more looks at them one by one.
MOST_SURVEYS = 20
NEWEST = 6
MOVERS = 5

#: Fewer answers before are not compared with: of three, chance decides what the sentence would say.
FEWEST_BEFORE = 10

#: A topic is new for so long.
NEW_FOR = timedelta(days=14)


@dataclass
class Card:
    """One survey on the page."""

    survey: Survey
    metric: Metric
    n: int
    value: str
    interval: str
    sentence: str
    query: dict[str, Any]
    groups: list[dict[str, Any]]
    asked: str | None
    silent: str | None
    every: str
    chart: charts.Series | None
    table: list[dict[str, Any]]
    rows: Markup
    outside: str | None
    movers: list[dict[str, Any]] = field(default_factory=list)
    reading: str | None = None
    looked_at: int = 0
    pins: list[charts.Mark] = field(default_factory=list)
    breaks: list[charts.Mark] = field(default_factory=list)
    benchmarks: list[Any] = field(default_factory=list)


@registry.page(
    title=say("overview"),
    address="/team",
    scope="read",
    nav="listen",
    icon="overview",
    place=1,
    forms=True,
    form_scope="write",
)
def overview() -> Any:
    """The overview; its form sets pins and benchmarks."""
    asked = layout.query(OverviewQuery())
    if request.method == "POST":
        return _noted()
    if not all(request.args.values()):
        return layout.led(layout.here())
    seen = registry.seen()
    since, until = _period(asked)
    then = layout.as_of(asked)
    found = visible.surveys(registry.caller()).where(Survey.status != "archived")
    surveys = list(found.order_by(Survey.created_at.desc(), Survey.id).limit(MOST_SURVEYS))
    surveys.reverse()
    ids = [survey.id for survey in surveys]
    # The same moment for all of them, so that what is asked of one period before is asked of one for all.
    now = clock.now()
    with rollups.steady(together=ids):
        reads = reports.are_looked_for()
        noted, compared = pins.within(ids, since, until), pins.benchmarks(ids)
        cards = [
            _card(
                survey,
                since,
                until,
                _compared_as(asked),
                now,
                reads,
                [pin for pin in noted if pin.survey_id in (None, survey.id)],
                compared[survey.id],
                then,
            )
            for survey in surveys
        ]
        # Looking back, nobody knows of what was made later.
        cards = [card for card in cards if then is None or card.n or card.survey.created_at < then]
        rising = _rising(surveys, since, until)
    window = {"since": _asked_day(since), "until": _asked_until(asked, until)}
    newest = feed.page({"has_comment": "1", **_moments(since, until)}, NEWEST, surveys=seen).items
    return layout.page(
        "overview.html",
        say("overview"),
        # What nobody answered has nothing to show yet, and stands last.
        cards=sorted(cards, key=lambda card: not card.n),
        rising=rising,
        reading=measures.reading(reports.Scope(surveys, None, until)) if surveys and reads else None,
        newest=newest,
        names={survey.id: survey.name for survey in surveys},
        periods=[(period, say(f"period.{period}")) for period in PERIODS],
        period=None if _by_day(asked) else asked["period"],
        ends={name: _given_day(asked, name) for name in ("since", "until")},
        as_of=asked.get("as_of"),
        window=window,
        kinds=Pin.KINDS,
        today=schedule.day_of(clock.now(), layout.zone()).isoformat(),
        limited=seen is not None,
        writes=layout.may("write"),
        goals={} if until else goals.running(visible.narrowed(Goal.select(), registry.caller())),
    )


def _noted() -> Any:
    given = OverviewForm().load(bodies.form_fields(bodies.PUBLIC_BODY))
    caller, now = registry.caller(), clock.now()
    survey = given["survey"] or None
    if given["do"] in ("pin", "compare"):
        if survey is not None:
            visible.own(Survey, survey, caller, "survey")
        elif registry.seen() is not None or given["do"] == "compare":
            raise Refused(say("pin.name_one"), "survey")
        if not given["text"].strip():
            raise Refused(say("pin.no_text"), "text")
    if given["do"] == "pin":
        at = given["at"].moment(layout.zone()) if given.get("at") else now
        pins.add(at, given["text"].strip(), given["kind"], survey, caller.name, now)
    elif given["do"] == "compare":
        if given.get("value") is None:
            raise Refused(say("pin.no_value"), "value")
        pins.compare(str(survey), given["value"], given["text"].strip(), caller.name, now)
    else:
        remove = pins.remove if given["do"] == "unpin" else pins.drop_benchmark
        if not remove(given.get("id") or "", registry.seen()):
            raise registry.not_found()
    return layout.led(layout.here())


# ------------------------------------------------------------------------------------------------------


def _period(asked: dict[str, Any]) -> tuple[datetime | None, datetime | None]:
    """The moments that the period begins and ends at; it begins with a whole day, week or month."""
    zone = layout.zone()
    until = layout.as_of(asked)
    if _by_day(asked):
        begin = schedule.day_of(asked["since"].moment(zone), zone) if asked.get("since") else None
        end = asked["until"].moment(zone) if asked.get("until") else until
        return schedule.starts_at(begin, zone) if begin else None, min(end, until) if end and until else end
    today = schedule.day_of(clock.now(), zone)
    if until is not None:
        today = schedule.day_of(until - timedelta(microseconds=1), zone)
    first = {
        "30d": today - timedelta(days=29),
        "90d": today - timedelta(days=89),
        "12m": schedule.first_day(today.replace(day=1) - timedelta(days=334), "month"),
    }.get(asked["period"])
    return (schedule.starts_at(first, zone) if first else None), until


def _by_day(asked: dict[str, Any]) -> bool:
    """Whether the address says the period by the day."""
    return bool(asked.get("since") or asked.get("until"))


def _given_day(asked: dict[str, Any], name: str) -> str | None:
    """The day that the address names, as its field takes it."""
    return (
        schedule.day_of(asked[name].moment(layout.zone()), layout.zone()).isoformat()
        if asked.get(name)
        else None
    )


def _compared_as(asked: dict[str, Any]) -> str:
    """What the period before is called by; "all": there is none."""
    if _by_day(asked):
        return "days" if asked.get("since") else "all"
    return str(asked["period"])


def _moments(since: datetime | None, until: datetime | None) -> dict[str, datetime]:
    return {name: at for name, at in (("since", since), ("until", until)) if at}


def _asked_day(at: datetime | None) -> str | None:
    return schedule.day_of(at, layout.zone()).isoformat() if at else None


def _asked_until(asked: dict[str, Any], until: datetime | None) -> str | None:
    """The end of the period as a feed's filter takes it."""
    given = [asked[name].value for name in ("as_of", "until") if asked.get(name)]
    if not given or until is None:
        return None
    is_day = len(given) == 1 and not isinstance(given[0], datetime)
    return _asked_day(until) if is_day else clock.stamp(until)


def _card(
    survey: Survey,
    since: datetime | None,
    until: datetime | None,
    period: str,
    now: datetime,
    reads: bool,
    noted: list[Pin],
    compared: list[Benchmark],
    then: datetime | None = None,
) -> Card:
    """What the page shows of a survey with its pins and benchmarks; `reads`: topics are still looked for. `then`: it is
    told as it was known at that moment.
    """
    metric, zone = METRICS[survey.metric], layout.zone()
    selection = results.Selection(metric, [survey], since, until)
    interval = results.fitting(selection, zone)
    found = results.number(results.Selection(metric, [survey], since, until, interval), zone, now)
    found = replace(found, series=found.series[charts.begun(found.series) :])
    query = {
        "survey": survey.id,
        "counted": "1",
        "since": _asked_day(since),
        "until": clock.stamp(until) if until else None,
    }
    limits = bands.limits(metric, found.counts, [(each.value, each.n) for each in found.series])
    chart, table, outside = _chart(metric, found.series, limits, interval, query, since, until, compared)
    moved = drivers.topics(selection, now) if found.n else []
    return Card(
        survey=survey,
        metric=metric,
        n=found.n,
        value=charts.value(metric, found.value),
        interval=charts.interval(metric, found.interval),
        sentence=_sentence(metric, found, period),
        query=query,
        groups=_groups(metric, found, query),
        asked=_asked(results.asked_then(selection, then) if then else found.asked, found.n),
        silent=_silent(metric, found),
        every=interval,
        chart=chart,
        table=table,
        rows=charts.rows(table),
        outside=outside,
        movers=_movers(metric, moved, query),
        reading=measures.reading(reports.Scope([survey], since, until)) if reads else None,
        looked_at=sum(mover.p is not None for mover in moved),
        pins=_marks([(pin.at, pin) for pin in noted], found.series),
        breaks=_marks(
            [(schedule.starts_at(each.start, zone), each) for each in found.breaks],
            found.series,
        ),
        benchmarks=list(zip(compared, chart.lines if chart else [], strict=False)),
    )


def _sentence(metric: Metric, found: Number, period: str) -> str:
    """What may be said of the value, in one sentence or two."""
    if found.interval is None:
        return say("says.nothing")
    low, high = (number(edge) for edge in found.interval)
    told = say("says.between" if metric.rule == "net" else "says.between.share", low=low, high=high)
    before, change = found.previous, found.change
    if period == "all" or before is None or change is None:
        return told
    then = say(f"before.{period}")
    if not before.n:
        return f"{told} {say('says.alone', then=then)}"
    if before.n < FEWEST_BEFORE:
        return f"{told} {say('says.few', then=then, many=_many(before.n))}"
    past = {"then": then, "was": charts.value(metric, before.value), "many": _many(before.n)}
    if not change.distinguishable or change.difference is None:
        return f"{told} {say('says.same', **past)}"
    way = "says.up" if change.difference > 0 else "says.down"
    return f"{told} {say(way, by=number(abs(change.difference)), **past)}"


def _groups(metric: Metric, found: Number, query: dict[str, Any]) -> list[dict[str, Any]]:
    """The groups from the highest, each with its share, where it stands in a bar, and its answers in the feed."""
    total, left, rows = found.n, 0.0, []
    for group in reversed(metric.groups):
        n = found.counts.get(group.key, 0)
        share = 100 * n / total if total else 0.0
        rows.append(
            {
                "name": say(f"group.{group.key}"),
                "tone": metric.tone_of(group.key),
                "n": n,
                "share": number(share),
                "left": round(left, 3),
                "width": round(share, 3),
                "href": layout.at("/team/feed", query, group=group.key),
            }
        )
        left += share
    return rows


def _many(n: int) -> str:
    return say("answered.n", n=f"{n:,}")


def _asked(asked: Asked | None, answers: int) -> str | None:
    """How many of those asked answered; `answers`: all that there are, with those that nobody was asked for."""
    if not asked or not (asked.sent or asked.still_open):
        return None
    told = []
    if asked.response_rate is not None:
        rate = number(100 * asked.response_rate)
        told.append(
            say("asked", answered=f"{asked.answered:,}", sent=f"{asked.sent:,}", rate=rate, n=asked.sent)
        )
        if answers > asked.answered + asked.open_answered:
            told.append(say("asked.others"))
    if asked.open_answered:
        told.append(say("asked.early", n=f"{asked.open_answered:,}"))
    if asked.waiting:
        told.append(say("asked.open", n=f"{asked.waiting:,}"))
    return " ".join(told) or None


def _silent(metric: Metric, found: Number) -> str | None:
    asked = found.asked
    if not asked or not asked.sent:
        return None
    scores = {score: n for score, n in found.scores.items() if n}
    edges = silence.bounds(metric, scores, asked.answered, asked.sent)
    if edges is None:
        return None
    low, high = (charts.value(metric, edge) for edge in edges)
    return say("silent", n=f"{asked.sent - asked.answered:,}", low=low, high=high)


def _label(interval: str) -> Any:
    """How the beginning of a bucket reads."""

    def words_of(day: date) -> str:
        return f"{day:%b %Y}" if interval == "month" else f"{day.day} {day:%b}"

    return words_of


def _chart(
    metric: Metric,
    points: Series,
    limits: list[tuple[float, float] | None],
    interval: Any,
    query: dict[str, Any],
    since: datetime | None,
    until: datetime | None,
    compared: list[Any],
) -> tuple[charts.Series | None, list[dict[str, Any]], str | None]:
    """The series drawn, as a table, and whether its last full bucket is out of the ordinary."""
    if not any(point.n for point in points):
        return None, [], None
    zone, label = layout.zone(), _label(interval)
    # There are hundreds of buckets on the page: each adds its days to one address.
    at_all_times = layout.at("/team/feed", {**query, "since": None, "until": None})
    rows = []
    for place, (point, limit) in enumerate(zip(points, limits, strict=True)):
        start = point.start
        after = schedule.next_first_day(start, interval)
        first = schedule.day_of(since, zone) if since else start
        over = until is not None and schedule.starts_at(after, zone) > until
        end = quote(query["until"]) if over else after.isoformat()
        shown = charts.value(metric, point.value), charts.interval(metric, point.interval)
        rows.append(
            {
                "at": place,
                "start": label(point.start),
                "long": say(f"bucket.{interval}", start=f"{start.day} {start:%b %Y}", month=f"{start:%B %Y}"),
                "n": point.n,
                "value": shown[0],
                "range": shown[1],
                "usual": charts.interval(metric, limit),
                "href": f"{at_all_times}&since={max(start, first).isoformat()}&until={end}",
                "tip": say("chart.tip", start=label(start), value=shown[0], range=shown[1], n=point.n),
                "is_over": schedule.starts_at(after, zone) <= (until or clock.now()),
            }
        )
    scale = (-100.0 if metric.rule == "net" else 0.0, 100.0)
    drawn = charts.series(points, limits, scale, label, [each.value for each in compared])
    outside = None
    for row, bucket in zip(rows, drawn.buckets, strict=True):
        if row["is_over"] and row["n"]:
            outside = say(f"outside.{bucket.outside}", bucket=row["long"]) if bucket.outside else None
    return drawn, rows, outside


def _marks(happened: list[tuple[datetime, Any]], points: Series) -> list[charts.Mark]:
    """Where in the series things happened, numbered; only those within it."""
    days = [(schedule.day_of(at, layout.zone()), what) for at, what in happened]
    return charts.marks(days, [point.start for point in points])


def _movers(metric: Metric, found: list[Mover], query: dict[str, Any]) -> list[dict[str, Any]]:
    """The topics that move the value more than chance would, each with a bar to the left or to the right.

    Of many topics some always stand apart: those are named that hold the rate of false discoveries.
    """
    tested = [(mover, mover.p) for mover in found if mover.p is not None]
    kept = surges.discoveries([p for _, p in tested], surges.FALSE_DISCOVERIES)
    real = [
        (mover, mover.impact, mover.interval)
        for (mover, _), is_real in zip(tested, kept, strict=True)
        if is_real and mover.now and not mover.now.spans_zero and mover.impact is not None and mover.interval
    ][:MOVERS]
    most = max((abs(impact) for _, impact, _ in real), default=1.0) or 1.0
    return [
        {
            "label": mover.label,
            "n": mover.n,
            "impact": signed(impact, 1),
            "range": say("range", low=signed(interval[0], 1), high=signed(interval[1], 1)),
            "good": impact > 0,
            "left": 50 - 48 * abs(impact) / most if impact < 0 else 50,
            "width": 48 * abs(impact) / most,
            "explains": signed(mover.explains, 1) if mover.explains is not None else None,
            "href": layout.at("/team/feed", query, topic=mover.topic),
            "about": layout.at(
                f"/team/topics/{mover.topic}",
                {name: query.get(name) for name in ("survey", "since", "until")},
            ),
        }
        for mover, impact, interval in real
    ]


def _rising(surveys: list[Survey], since: datetime | None, until: datetime | None) -> list[dict[str, Any]]:
    """Topics that are talked about more than before, and those that are new."""
    if not surveys:
        return []
    limited = registry.seen() is not None
    now = clock.now()
    scope = reports.Scope(surveys, None, until, limited=limited)
    found = []
    for item in reports.rising(scope, layout.zone(), now, NEW_FOR, NEWEST):
        most = max((week.n for week in item.trend), default=0) or 1
        weeks = len(item.trend) or 1
        found.append(
            {
                "label": item.label,
                "n": item.surge.now if item.surge else item.size,
                "expected": number(item.surge.expected) if item.surge else None,
                "bars": [
                    (round(100 * at / weeks, 2), round(70 / weeks, 2), round(22 * week.n / most, 1))
                    for at, week in enumerate(item.trend)
                ],
                "new": item.is_new,
                "href": layout.at(f"/team/topics/{item.id}"),
            }
        )
    return found
