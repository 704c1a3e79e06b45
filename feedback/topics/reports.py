"""Topics as they are shown: size, trend, feeling, what they do to the value, and what is said in them."""

import functools
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, Protocol, TypeVar
from zoneinfo import ZoneInfo

import peewee
from peewee import JOIN, fn

from feedback import conditions, countings, drivers, labels, results, rollups
from feedback.domain import redaction
from feedback.domain import themes as domain_themes
from feedback.domain import topics as domain
from feedback.domain.surges import Surge, surges
from feedback.domain.topics import Change
from feedback.models import Placement, Reading, Theme, ThemeChange, Topic, TopicReview, TopicStatus
from feedback.numbers import Week
from feedback.topics import report, reviews
from feedback.topics.report import (
    Given,
    Heard,
    Listed,
    Measured,
    Overview,
    ReviewReport,
    Rising,
    ThemeReport,
    TopicReport,
    Typical,
)
from feedback.topics.topics import state
from surveys import daily_counts, events, visible
from surveys.base import db, jobs
from surveys.base.accounts.caller import Caller
from surveys.base.clock import microseconds
from surveys.base.errors import Missing
from surveys.domain import folding, schedule
from surveys.domain.metrics import METRICS
from surveys.domain.metrics.metric import Metric
from surveys.models import Response, Survey

#: A surge: the last seven days against the four weeks before.
RECENT, EARLIER = timedelta(days=7), timedelta(days=28)

TREND_WEEKS = 12
TYPICAL, TYPICAL_ALONE = 3, 10

#: Of so many times as many of the nearest comments, those are chosen that differ, and from which share of words in
#: common two are nearly the same.
CHOICE, NEARLY_THE_SAME = 8, 0.6
#: Comments of a topic, the nearest, among which those in the reader's language come first.
READABLE = 400

#: Comments of a topic whose people are counted, the newest.
MOST_SPEAKING = 2_000

#: Answers that wait to be read from which on topics cannot be told yet; a few are always on their way.
MANY_UNREAD = 50


class Said(Protocol):
    """Whatever has a comment."""

    @property
    def comment(self) -> str:
        """The words as written."""


Comment = TypeVar("Comment", bound=Said)


@dataclass(frozen=True)
class Scope:
    """Which responses are looked at: those of these surveys, in this period (None: all of it).

    `limited`: the caller sees these surveys alone, and learns nothing that other surveys taught a topic.
    """

    surveys: list[Survey]
    since: datetime | None = None
    until: datetime | None = None
    limited: bool = False

    @property
    def metric(self) -> Metric | None:
        """The one metric of the surveys; None when there are several, which are never averaged together."""
        found = {survey.metric for survey in self.surveys}
        return METRICS[found.pop()] if len(found) == 1 else None

    @property
    def selection(self) -> results.Selection | None:
        """What is asked of the value; None where there is no one metric."""
        metric = self.metric
        return results.Selection(metric, self.surveys, self.since, self.until) if metric else None

    @property
    def conditions(self) -> list[Any]:
        """On responses: of these surveys and this period, no test, not excluded."""
        found = [
            Response.survey.in_([survey.id for survey in self.surveys]),
            ~Response.test,
            ~Response.excluded,
        ]
        if self.since:
            found.append(Response.key >= microseconds(self.since))
        if self.until:
            found.append(Response.key < microseconds(self.until))
        return found

    @functools.cached_property
    def fates(self) -> list[tuple[countings.Fate, int]]:
        """What became of the comments, and of how many; counted once."""
        found = rollups.tallies(countings.COMMENTS, self.surveys, self.since, self.until)
        return _fates(found.get(None, {}))


@rollups.steady()
def overview(scope: Scope, everybody: bool, zone: ZoneInfo, now: datetime) -> Overview:
    """What `listed` gives, with all live themes, why comments are in no topic, and how many say nothing."""
    found = listed(scope, everybody, zone, now)
    fates = scope.fates
    return Overview(
        found.items,
        found.metric,
        found.comments,
        found.unplaced,
        found.review,
        themes(scope, everybody),
        {name: sum(n for fate, n in fates if fate.waits == name) for name in conditions.WAITING},
        sum(n for fate, n in fates if fate.says_nothing),
    )


@rollups.steady()
def listed(scope: Scope, everybody: bool, zone: ZoneInfo, now: datetime) -> Listed:
    """All live topics, the largest first, and how many comments are in none.

    Unless `everybody`, only the topics of responses in the scope: a caller who sees some surveys alone learns nothing
    of the others.
    """
    sizes, feelings = _sizes(scope)
    comments, placed = _comments(scope)
    live = Topic.select().where(Topic.merged_into.is_null())
    rows = [row for row in live if everybody or row.id in sizes]
    rows.sort(key=lambda row: (-sizes.get(row.id, 0), labels.of(row).casefold()))
    last = review()
    return Listed(
        _topics(rows, scope, sizes, feelings, comments, zone, now),
        scope.metric.key if scope.metric else None,
        comments,
        comments - placed,
        replace(last, comments=None, moved=None, limited=True) if last and scope.limited else last,
    )


def scope_of(query: Mapping[str, Any], caller: Caller, zone: ZoneInfo) -> Scope:
    """The surveys that the caller sees and the query asks for, in its period. Raises Missing for a foreign survey."""
    found = visible.surveys(caller)
    if query.get("survey"):
        found = found.where(Survey.id == query["survey"])
    if query.get("metric"):
        found = found.where(Survey.metric == query["metric"])
    rows = list(found.order_by(Survey.created_at))
    if not rows and query.get("survey"):
        raise Missing
    since, until = (query[name].moment(zone) if query.get(name) else None for name in ("since", "until"))
    return Scope(rows, since, until, limited=not visible.all_of(None, caller))


@rollups.steady()
def themes(scope: Scope, everybody: bool) -> list[ThemeReport]:
    """All live themes, the largest first, each with its size, its feelings and the ids of its topics.

    Unless `everybody`, only those of responses in the scope.
    """
    seen = None if everybody else _sizes(scope)[0]
    sizes, feelings = _sizes(scope, level="theme")
    comments = _comments(scope)[0]
    topics = _under(seen)
    return [
        _theme(row, scope, _heard(row.id, sizes, feelings, comments), topics)
        for row in _live_themes(sizes, everybody)
    ]


@rollups.steady()
def measured_themes(scope: Scope, everybody: bool, zone: ZoneInfo, now: datetime) -> list[ThemeReport]:
    """The same with trend, surge, value and impact, and their lineage."""
    seen = None if everybody else _sizes(scope)[0]
    sizes, feelings = _sizes(scope, level="theme")
    rows = _live_themes(sizes, everybody)
    topics = _under(seen)
    found = _measured(rows, scope, sizes, feelings, _comments(scope)[0], zone, now)
    past = {} if scope.limited else _lineage_of_themes([row.id for row in rows])
    return [_theme(row, scope, found[row.id], topics, past.get(row.id)) for row in rows]


@rollups.steady()
def one_theme(row: Theme, scope: Scope, zone: ZoneInfo, now: datetime) -> ThemeReport:
    """A theme with its numbers and its lineage."""
    sizes, feelings = _sizes(scope, row.id, "theme")
    found = _measured([row], scope, sizes, feelings, _comments(scope)[0], zone, now)
    past = {} if scope.limited else _lineage_of_themes([row.id])
    return _theme(row, scope, found[row.id], _under(None), past.get(row.id))


@rollups.steady()
def under(row: Theme, scope: Scope, everybody: bool, zone: ZoneInfo, now: datetime) -> list[TopicReport]:
    """The live topics under a theme with their numbers, the largest first.

    Unless `everybody`, only those of responses in the scope.
    """
    sizes, feelings = _sizes(scope)
    live = Topic.select().where(Topic.merged_into.is_null(), Topic.theme == row.id)
    rows = [each for each in live if everybody or each.id in sizes]
    rows.sort(key=lambda each: (-sizes.get(each.id, 0), labels.of(each).casefold()))
    return _topics(rows, scope, sizes, feelings, _comments(scope)[0], zone, now)


@rollups.steady()
def rising(scope: Scope, zone: ZoneInfo, now: datetime, new_for: timedelta, most: int) -> list[Rising]:
    """The topics that are talked about more than before, then those made within `new_for`; at most so many.

    Only the last weeks are counted, where `overview` measures every topic of all time. Where all topics are new,
    none is called so.
    """
    first, edges = _first_of_trend(now, zone), _edges(now, zone)
    lately = _days(scope, first, edges)
    found = {surge.topic: surge for surge in _surges(lately, _totals(scope, first, edges), now, zone)}
    named = Topic.select(Topic.id, Topic.label, Topic.names, Topic.created_at)
    live = {row.id: row for row in named.where(Topic.merged_into.is_null())}
    fresh = [row.id for row in live.values() if now - row.created_at < new_for]
    names = [name for name in found if name in live]
    if len(fresh) < len(live):
        names += [name for name in sorted(fresh, key=lambda name: live[name].created_at) if name not in found]
    sizes = _sizes(scope)[0] if set(names) & set(fresh) else {}
    shown: list[Rising] = []
    for name in names:
        size = sizes.get(name, 0) if name in fresh else None
        # A limited caller learns nothing of topics that their surveys do not speak of.
        if name in found or size:
            is_new = name in fresh and len(fresh) < len(live)
            trend = _trend(lately.get(name, {}), now, zone)
            shown.append(Rising(name, labels.of(live[name]), is_new, size, found.get(name), trend))
        if len(shown) == most:
            break
    return shown


@rollups.steady()
def surging(scope: Scope, zone: ZoneInfo, moments: Sequence[datetime]) -> list[list[tuple[Surge, str]]]:
    """At each of some moments, the topics that were talked about more than before, with their labels of today.

    Comments are in the topics that they are in today.
    """
    if not moments:
        return []
    first = (schedule.day_of(min(moments), zone) - RECENT - EARLIER).isoformat()
    called = {row.id: row.label for row in Topic.select().where(Topic.merged_into.is_null())}
    days, totals = _days(scope, first), _totals(scope, first)
    found = []
    for moment in moments:
        until = schedule.day_of(moment, zone).isoformat()
        then = {name: _up_to(each, until) for name, each in days.items() if name in called}
        surges_then = _surges(then, _up_to(totals, until), moment, zone)
        found.append([(surge, called[surge.topic]) for surge in surges_then])
    return found


def page(items: Sequence[TopicReport], scope: Scope) -> list[TopicReport]:
    """Some items of an overview, each with its most typical comments."""
    found = typical([item.id for item in items], scope, TYPICAL)
    return [replace(item, typical=found[item.id]) for item in items]


@rollups.steady()
def one(row: Topic, scope: Scope, zone: ZoneInfo, now: datetime) -> TopicReport:
    """A topic with its most typical comments, the phrases that mark it and, unless limited, its lineage."""
    item = measured(row, scope, zone, now) if row.merged_into is None else _topic(row, scope, _labels(), None)
    return replace(
        item,
        typical=typical([row.id], scope, TYPICAL_ALONE)[row.id],
        evidence=evidence(row.id, scope),
        lineage=None if scope.limited else lineage(row.id),
        history=None if scope.limited else history(row.id),
    )


@rollups.steady()
def measured(row: Topic, scope: Scope, zone: ZoneInfo, now: datetime) -> TopicReport:
    """A live topic with its numbers."""
    (item,) = _topics([row], scope, *_sizes(scope, row.id), _comments(scope)[0], zone, now)
    return item


def lineage(topic_id: str) -> Sequence[Change]:
    """What happened to a topic and to those it came from or went into, oldest first, with the names of that time."""
    return domain.lineage(state(), topic_id)


def history(topic_id: str) -> list[Given]:
    """Which status a topic was given, what it was until then, when and by whom; oldest first."""
    rows = TopicStatus.select().where(TopicStatus.topic == topic_id).order_by(TopicStatus.id)
    return [Given(row.status, row.former, row.made_by, row.at) for row in rows]


def waiting(scope: Scope) -> list[tuple[str | None, int]]:
    """How many comments are in no topic, by language, the most first; None: nobody knows their language."""
    found: dict[str | None, int] = {}
    for fate, n in scope.fates:
        if fate.waits:
            found[fate.language] = found.get(fate.language, 0) + n
    return sorted(found.items(), key=lambda row: (-row[1], row[0] or ""))


def comments(scope: Scope) -> int:
    """How many comments there are."""
    return _comments(scope)[0]


@dataclass(frozen=True)
class Speakers:
    """Who speaks of some topics in their newest `comments`: how many are known, how many may be answered and told news.

    `newest`: of the newest of these people the ids, and how many of their answers speak of it, whenever that was.
    """

    n: int
    reply: int
    news: int
    newest: list[tuple[str, int]]
    comments: int


def speakers(topic_ids: Sequence[str], scope: Scope, most: int, within: int = MOST_SPEAKING) -> Speakers:
    """The people who speak of a topic, or of any of several, in the newest comments of each (`within`); of the newest
    `most` their ids and how many of their answers do."""
    said = _newest(topic_ids, scope, within)
    allowed: dict[str, set[str | None]] = {}
    for person, contact in said:
        if person is not None:
            allowed.setdefault(person, set()).add(contact)
    newest = list(allowed)[:most]
    speaks = Placement.select().where(
        Placement.response == Response.key, Placement.topic.in_(list(topic_ids))
    )
    many: Any = (
        Response.select(Response.person, fn.COUNT(Response.key))
        .where(Response.person.in_(newest), *scope.conditions, fn.EXISTS(speaks))
        .group_by(Response.person)
        .tuples()
    )
    counts = dict(list(many))
    return Speakers(
        len(allowed),
        sum(not contacts.isdisjoint(("reply", "both")) for contacts in allowed.values()),
        sum(not contacts.isdisjoint(("news", "both")) for contacts in allowed.values()),
        [(person, counts[person]) for person in newest if person in counts],
        len(said),
    )


def being_read(scope: Scope) -> tuple[int, int, int] | None:
    """While topics are still looked for, how many comments are in one, how many there are, and how many of them nobody
    has read yet; else None.

    That is while a review waits or runs, before the first has ended where no comment was placed otherwise, and while
    `MANY_UNREAD` answers or more have not been read yet.
    """
    if not are_looked_for():
        return None
    comments, placed = _comments(scope)
    return placed, comments, sum(n for fate, n in scope.fates if fate.waits == "unread")


def are_looked_for() -> bool:
    """Whether topics are still looked for, so that `being_read` tells how far that is."""
    last = reviews.latest()
    if last is not None and last.state in (reviews.WAITING, reviews.RUNNING):
        return True
    ended = TopicReview.select().where(TopicReview.state == reviews.DONE).exists()
    looked_for = ended or Placement.select().exists()
    return not looked_for or jobs.waiting(events.RECORDED, MANY_UNREAD) >= MANY_UNREAD


def review() -> ReviewReport | None:
    """How far the last review is; None when there was none."""
    row = reviews.latest()
    if row is None:
        return None
    names = ("id", "state", "step", "share", "comments", "moved", "asked_at", "ended_at")
    return ReviewReport(**{name: getattr(row, name) for name in names})


def typical(topic_ids: Sequence[str], scope: Scope, count: int) -> dict[str, list[Typical]]:
    """For each topic comments near to what it is about, with the phrases that put them there; no two alike, and first
    those in the reader's language."""
    nearest = _nearest(topic_ids, scope, count * CHOICE)
    rows = (
        Response.select(
            Response.key,
            Placement.topic,
            Response.id,
            Response.comment,
            Response.score,
            Placement.evidence,
            Placement.by_person,
            Survey.redact,
        )
        .join(Placement, on=(Placement.response == Response.key))
        .join(Survey, src=Response, on=(Survey.id == Response.survey))
        .left_outer_join(Reading, src=Response, on=(Reading.key == Response.key))
        # Of each comment all topics are read: told these too, SQLite would look for each comment in each of them.
        .where(Placement.response.in_(sorted({key for keys in nearest.values() for key in keys})))
        .order_by(*labels.readable_first(), Placement.closeness.desc(), Response.key.desc())
    )
    near: dict[str, list[_Near]] = {topic: [] for topic in topic_ids}
    for key, topic, *more in db.database.execute(rows).fetchall():
        if key in nearest.get(topic, ()):
            near[topic].append(_Near(*more))
    return {
        topic: [
            Typical(
                row.id,
                redaction.redact(row.comment) if row.redact else row.comment,
                row.score,
                Placement.evidence.python_value(row.evidence),
                bool(row.by_person),
            )
            for row in different(near[topic], count)
        ]
        for topic in topic_ids
    }


class _Near(NamedTuple):
    """A comment near to what a topic is about, as the database gives it."""

    id: str
    comment: str
    score: int | None
    evidence: Any
    by_person: Any
    redact: Any


def _newest(topic_ids: Sequence[str], scope: Scope, count: int) -> list[tuple[str | None, str | None]]:
    """Who gave the newest `count` responses of some topics, and what they may be written to about; the newest first.

    Each topic is walked in its index, which ends early: large topics hold a tenth of all comments.
    """
    newest: Any = (
        Placement.select(
            Placement.response.alias("key"),
            Response.person.alias("person"),
            Response.contact.alias("contact"),
        )
        .join(Response, on=(Response.key == Placement.response))
        .where(Placement.topic == Topic.id, *scope.conditions)
        .order_by(Placement.response.desc())
        .limit(count)
        .alias("newest")
    )
    gather, array = (
        (fn.JSON_GROUP_ARRAY, fn.JSON_ARRAY) if db.on_sqlite() else (fn.JSON_AGG, fn.JSON_BUILD_ARRAY)
    )
    columns = array(newest.c.key, newest.c.person, newest.c.contact)
    listed = peewee.Select([newest], [gather(columns)])
    rows = db.database.execute(Topic.select(Topic.id, listed).where(Topic.id.in_(list(topic_ids)))).fetchall()
    found: dict[int, tuple[str | None, str | None]] = {}
    for _, said in rows:
        for key, person, contact in (json.loads(said) if isinstance(said, str) else said) or []:
            found[key] = (person, contact)
    return [found[key] for key in sorted(found, reverse=True)[:count]]


def _nearest(topic_ids: Sequence[str], scope: Scope, count: int) -> dict[str, set[int]]:
    """For each topic the keys of the `count` comments nearest to what it is about; those of the nearest `READABLE` that
    are in the reader's language come before others.

    Each is walked in the index of its topic, which ends early: large topics hold a tenth of all comments.
    """
    readable_first = labels.readable_first()
    near: Any = (
        Placement.select(Placement.response.alias("key"), Placement.closeness.alias("closeness"))
        .join(Response, on=(Response.key == Placement.response))
        .where(Placement.topic == Topic.id, *scope.conditions, Response.comment.is_null(False))
        .order_by(Placement.closeness.desc(), Placement.response.desc())
        .limit(max(count, READABLE) if readable_first else count)
        .alias("near")
    )
    if readable_first:
        near = (
            peewee.Select([near], [near.c.key.alias("key")])
            .join(Reading, JOIN.LEFT_OUTER, on=(Reading.key == near.c.key))
            .order_by(*readable_first, near.c.closeness.desc(), near.c.key.desc())
            .limit(count)
            .alias("readable")
        )
    gather = fn.JSON_GROUP_ARRAY if db.on_sqlite() else fn.JSON_AGG
    listed = peewee.Select([near], [gather(near.c.key)])
    rows = db.database.execute(Topic.select(Topic.id, listed).where(Topic.id.in_(list(topic_ids)))).fetchall()
    return {id_: set((json.loads(keys) if isinstance(keys, str) else keys) or []) for id_, keys in rows}


def different(rows: Sequence[Comment], count: int) -> list[Comment]:
    """At most `count` of some comments in their order, each with words of its own; where most are nearly
    the same, those fill up that share least with what stands."""
    said: dict[int, set[str]] = {}

    def words(at: int) -> set[str]:
        # Of most lists the first few are what is wanted.
        if at not in said:
            said[at] = set(folding.fold(rows[at].comment).split())
        return said[at]

    def shared(at: int, kept: Sequence[int]) -> float:
        """The share of words that a comment has in common with the one of `kept` that it is most like."""
        return max(
            (len(words(at) & words(one)) / max(1, len(words(at) | words(one))) for one in kept), default=0.0
        )

    kept: list[int] = []
    for at in range(len(rows)):
        if len(kept) == count:
            break
        if shared(at, kept) < NEARLY_THE_SAME:
            kept.append(at)
    while len(kept) < min(count, len(rows)):
        kept.append(min((at for at in range(len(rows)) if at not in kept), key=lambda at: shared(at, kept)))
    return [rows[at] for at in sorted(kept)]


def evidence(topic_id: str, scope: Scope, most: int = 20) -> list[tuple[str, int]]:
    """The phrases that put comments into a topic and how many of its newest thousand each stands in."""
    newest: Any = (
        Placement.select(Placement.evidence)
        .join(Response, on=(Response.key == Placement.response))
        .where(Placement.topic == topic_id, *scope.conditions)
        .order_by(Placement.response.desc())
        .limit(1000)
        .tuples()
    )
    counts: dict[str, int] = {}
    for (phrases,) in newest:
        for phrase in {each.lower() for each in phrases}:
            counts[phrase] = counts.get(phrase, 0) + 1
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]


# ------------------------------------------------------------------------------------------------------


def _lineage_of_themes(theme_ids: Sequence[str]) -> dict[str, list[report.ThemeLine]]:
    """What happened to each of some themes and to those it came from or went into, oldest first, with the names of
    that time."""
    lines = list(ThemeChange.select().order_by(ThemeChange.id))
    ties = [(line.theme_id, line.other) for line in lines]
    found = {}
    for theme_id in theme_ids:
        kin = domain_themes.family(theme_id, ties)
        found[theme_id] = [
            report.ThemeLine(
                line.kind,
                line.theme_id,
                line.label,
                line.other,
                line.other_label,
                line.former_label,
                line.by_person,
                line.at,
            )
            for line in lines
            if line.theme_id in kin
        ]
    return found


def _topics(
    rows: Sequence[Topic],
    scope: Scope,
    sizes: Mapping[str, int],
    feelings: Mapping[tuple[str, str], int],
    comments: int,
    zone: ZoneInfo,
    now: datetime,
) -> list[TopicReport]:
    """Topics with their numbers. `sizes`, `feelings` and `comments` were counted already."""
    found, above = _measured(rows, scope, sizes, feelings, comments, zone, now), _labels()
    return [_topic(row, scope, above, found[row.id]) for row in rows]


def _topic(row: Topic, scope: Scope, themes: Mapping[str, str], numbers: Measured | None) -> TopicReport:
    """What a topic is; `themes`: their labels by id. In a limited scope without what all surveys taught together."""
    limited = scope.limited
    return TopicReport(
        id=row.id,
        label=labels.of(row),
        status=row.status,
        owner=None if limited else row.owner,
        issue_url=None if limited else row.issue_url,
        theme=report.Named(row.theme, themes[row.theme]) if row.theme and row.theme in themes else None,
        named=row.named,
        taught=row.taught,
        merged_into=row.merged_into,
        candidates=() if limited else row.candidates,
        phrases=() if limited else row.terms,
        examples=() if limited else row.examples,
        created_at=row.created_at,
        shipped_at=row.shipped_at,
        note=None if limited else row.note,
        limited=limited,
        numbers=numbers,
    )


def _theme(
    row: Theme,
    scope: Scope,
    numbers: Heard,
    topics: Mapping[str, Sequence[str]],
    lineage: Sequence[report.ThemeLine] | None = None,
) -> ThemeReport:
    """What a theme is; `topics`: their ids by theme."""
    return ThemeReport(
        id=row.id,
        label=labels.of(row),
        status=row.status,
        owner=None if scope.limited else row.owner,
        named=row.named,
        merged_into=row.merged_into,
        created_at=row.created_at,
        limited=scope.limited,
        numbers=numbers,
        topics=topics.get(row.id, []),
        lineage=lineage,
    )


def _measured(
    rows: Sequence[Topic] | Sequence[Theme],
    scope: Scope,
    sizes: Mapping[str, int],
    feelings: Mapping[tuple[str, str], int],
    comments: int,
    zone: ZoneInfo,
    now: datetime,
) -> dict[str, Measured]:
    """The numbers of topics or themes by id. `sizes`, `feelings` and `comments` were counted already."""
    level = "theme" if rows and isinstance(rows[0], Theme) else "topic"
    first, edges = _first_of_trend(now, zone), _edges(now, zone)
    days = _days(scope, first, edges, level)
    surging = {surge.topic: surge for surge in _surges(days, _totals(scope, first, edges), now, zone)}
    only = rows[0].id if len(rows) == 1 else None
    moving = drivers.impacts(scope.selection, only, level) if scope.selection else {}
    found = {}
    for id_ in (row.id for row in rows):
        heard = _heard(id_, sizes, feelings, comments)
        found[id_] = Measured(
            heard.size,
            heard.share,
            heard.sentiment,
            _trend(days.get(id_, {}), now, zone),
            surging.get(id_),
            moving.get(id_),
        )
    return found


def _heard(
    id_: str, sizes: Mapping[str, int], feelings: Mapping[tuple[str, str], int], comments: int
) -> Heard:
    """How large a topic or theme is, and how people feel about it."""
    size = sizes.get(id_, 0)
    felt = {name: feelings.get((id_, name), 0) for name in countings.FEELINGS}
    return Heard(size, size / comments if comments else 0.0, felt)


def _live_themes(sizes: Mapping[str, int], everybody: bool) -> list[Theme]:
    held = Topic.select(Topic.theme).where(Topic.merged_into.is_null(), Topic.theme.is_null(False))
    live = Theme.select().where(Theme.merged_into.is_null(), Theme.settled | Theme.named | Theme.id.in_(held))
    rows = [row for row in live if everybody or row.id in sizes]
    return sorted(rows, key=lambda row: (-sizes.get(row.id, 0), labels.of(row).casefold()))


def _under(seen: Collection[str] | None) -> dict[str, list[str]]:
    """The ids of the live topics of each theme; only of those `seen`, unless None."""
    rows: Any = Topic.select(Topic.theme, Topic.id).where(
        Topic.merged_into.is_null(), Topic.theme.is_null(False)
    )
    found: dict[str, list[str]] = {}
    for theme, topic in rows.order_by(Topic.id).tuples():
        if seen is None or topic in seen:
            found.setdefault(theme, []).append(topic)
    return found


def _labels() -> dict[str, str]:
    """What live themes are called."""
    rows: Any = Theme.select(Theme.id, labels.column(Theme)).where(Theme.merged_into.is_null()).tuples()
    return dict(list(rows))


def _sizes(
    scope: Scope, only: str | None = None, level: str = "topic"
) -> tuple[dict[str, int], dict[tuple[str, str], int]]:
    """Comments in each topic or theme, and in each with each feeling: that of the statement, else of the comment.

    A comment that speaks of two topics of a theme is one comment there, with the feeling of the whole.
    """
    sizes: dict[str, int] = {}
    split: dict[tuple[str, str], int] = {}
    tallies = _mentions(scope.surveys, scope.since, scope.until, only=only, level=level)
    for name, counts in tallies.get(None, {}).items():
        sizes[name] = sum(counts.values())
        for number, n in counts.items():
            if (feeling := countings.felt(number)) is not None:
                split[name, feeling] = split.get((name, feeling), 0) + n
    return sizes, split


def _mentions(
    surveys: Sequence[Survey],
    since: datetime | None,
    until: datetime | None,
    by_day: rollups.ByDay = False,
    only: str | None = None,
    level: str = "topic",
) -> dict[str | None, dict[str, dict[int, int]]]:
    """How people feel about topics or themes, or `only` one, by day (else under None), as numbers of `countings`."""
    name, above = (
        (countings.MENTIONS, None) if level == "topic" else (countings.TOGETHER, results.themes_of_topics())
    )
    kept = rollups.tallies(name, surveys, since, until, by_day, {only} if only else None, above)
    return {
        day: {name: tally.counts for name, tally in tallies.items() if name is not None}
        for day, tallies in kept.items()
    }


def _comments(scope: Scope) -> tuple[int, int]:
    """How many comments there are, and how many of them are in a topic."""
    return (
        sum(n for fate, n in scope.fates if fate.is_there),
        sum(n for fate, n in scope.fates if fate.is_placed),
    )


def _days(
    scope: Scope, first: str, by_day: rollups.ByDay = True, level: str = "topic"
) -> dict[str, dict[str, int]]:
    """Comments since the day `first` by topic or theme and day."""
    found: dict[str, dict[str, int]] = {}
    tallies = _mentions(scope.surveys, _begin(first), None, by_day, level=level)
    for day, topics in tallies.items():
        for name, counts in topics.items():
            if n := sum([n for number, n in counts.items() if countings.is_said(number)]):
                found.setdefault(name, {})[str(day)] = n
    return found


def _totals(scope: Scope, first: str, by_day: rollups.ByDay = True) -> dict[str, int]:
    """Comments since the day `first` by day, each once however many topics it is in."""
    found = rollups.tallies(countings.COMMENTS, scope.surveys, _begin(first), None, by_day)
    sums = {str(day): sum(n for fate, n in _fates(tallies) if fate.is_said) for day, tallies in found.items()}
    return {day: n for day, n in sums.items() if n}


def _fates(tallies: rollups.Tallies) -> list[tuple[countings.Fate, int]]:
    return [
        (countings.Fate(language, number), n)
        for language, tally in tallies.items()
        for number, n in tally.counts.items()
    ]


def _first_of_trend(now: datetime, zone: ZoneInfo) -> str:
    return (schedule.day_of(now, zone) - timedelta(weeks=TREND_WEEKS)).isoformat()


def _edges(now: datetime, zone: ZoneInfo) -> tuple[str, ...]:
    """The days at which weeks of a trend and what a surge compares begin: all between two of them is told together."""
    today = schedule.day_of(now, zone)
    after = [today - RECENT + timedelta(days=1), today - RECENT - EARLIER + timedelta(days=1)]
    # Who looks back counts nothing of the days after.
    after += [today + timedelta(days=1)]
    first = today - timedelta(weeks=TREND_WEEKS)
    return tuple(sorted({day.isoformat() for day in (first, *after, *_weeks(now, zone))}))


def _weeks(now: datetime, zone: ZoneInfo) -> list[date]:
    """When the weeks of a trend begin, oldest first."""
    last = schedule.first_day(schedule.day_of(now, zone), "week")
    return [last - timedelta(weeks=back) for back in range(TREND_WEEKS - 1, -1, -1)]


def _begin(day: str) -> datetime:
    return schedule.starts_at(date.fromisoformat(day), daily_counts.time_zone())


def _trend(days: Mapping[str, int], now: datetime, zone: ZoneInfo) -> tuple[Week, ...]:
    """Comments a week, the last `TREND_WEEKS` weeks, oldest first; the last one is not over yet."""
    counts = dict.fromkeys(_weeks(now, zone), 0)
    for day, n in _up_to(days, schedule.day_of(now, zone).isoformat()).items():
        week = schedule.first_day_of(day, "week")
        if week in counts:
            counts[week] += n
    return tuple(Week(week, n) for week, n in counts.items())


def _surges(
    days: Mapping[str, Mapping[str, int]], totals: Mapping[str, int], now: datetime, zone: ZoneInfo
) -> list[Surge]:
    today = schedule.day_of(now, zone)
    recent, start = (today - RECENT).isoformat(), (today - RECENT - EARLIER).isoformat()
    last = today.isoformat()

    def lately(counts: Mapping[str, int]) -> int:
        return sum(n for day, n in counts.items() if recent < day <= last)

    def earlier(counts: Mapping[str, int]) -> int:
        return sum(n for day, n in counts.items() if start < day <= recent)

    current = {name: lately(each) for name, each in days.items()}
    past = {name: earlier(each) for name, each in days.items()}
    return surges(current, past, (lately(totals), earlier(totals)))


def _up_to(days: Mapping[str, int], last: str) -> dict[str, int]:
    return {day: n for day, n in days.items() if day <= last}
