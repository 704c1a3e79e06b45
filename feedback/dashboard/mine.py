"""A member's own work: what customers said of it, and what that comes to. Nothing of anybody else's."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate
from peewee import fn

from feedback import feed, labels
from feedback.dashboard import charts, layout, registry
from feedback.dashboard.words import say
from feedback.domain import statistics
from feedback.item import Item
from feedback.models import Placement, Reading, Topic
from surveys import visible
from surveys.base import clock, errors
from surveys.base.accounts.caller import OWN
from surveys.base.clock import microseconds
from surveys.base.http import lists, signed_in
from surveys.domain import schedule
from surveys.domain.metrics import METRICS
from surveys.models import Response, Survey

#: Days that the values look back on, the current one included.
DAYS = 90

#: Answers of one page, and topics that are named of each kind.
PAGE, MOST_TOPICS = 20, 3

FELT = ("positive", "negative")

#: How an answer speaks of a topic: as its statement about the topic does, else as the whole.
_FEELING = fn.COALESCE(Placement.sentiment, Reading.label)


class MineQuery(ma.Schema):
    """Which answers the stream shows, and from where on: those in the value of a survey, or that speak well or badly
    (`felt`) of a topic; without either all, or (`has_comment`) those with words."""

    survey = fields.String(validate=validate.Length(1, 100))
    topic = fields.String(validate=validate.Length(1, 100))
    felt = fields.String(validate=validate.OneOf(FELT), load_default="negative")
    has_comment = fields.String(validate=validate.OneOf(("1",)))
    cursor = fields.String(validate=validate.Length(1, 500))


@registry.page(title=say("mine"), address="/team/mine", scope=OWN, nav="listen", icon="agent", place=3)
def mine() -> Any:
    """The value of one's own work by survey, what is praised and missed in it, and the answers, newest first."""
    member = signed_in.member()
    if member is None or signed_in.lacks_second_factor(member):
        # Open to every role, but what customers said is kept behind the second factor too.
        raise errors.Forbidden
    agents = member.agents
    asked = layout.query(MineQuery())
    position = layout.position(asked)
    since = schedule.starts_at(
        schedule.day_of(clock.now(), layout.zone()) - timedelta(days=DAYS - 1), layout.zone()
    )
    said = _said(agents, since)
    values = _values(agents, since)
    items, following, told = _stream(asked, agents, since, position)
    return layout.page(
        "mine.html",
        say("mine"),
        days=DAYS,
        values=values,
        praised=said["positive"],
        missed=said["negative"],
        items=items,
        names=feed.names_of_surveys({item.survey for item in items}),
        agents=agents,
        told=told,
        asked=asked,
        newest="cursor" in asked,
        older=layout.here(cursor=lists.encode_cursor(following)) if following else None,
    )


# ------------------------------------------------------------------------------------------------------


def _stream(
    asked: Mapping[str, Any], agents: Sequence[str], since: datetime, position: tuple[int, int] | None
) -> tuple[list[Item], Any, tuple[str, int] | None]:
    """One's own answers that are asked for, where they go on, and what narrows them with how many there are."""
    if asked.get("topic"):
        rows: Any = _speaking(agents, since, Response.key, felt=[asked["felt"]], topic=asked["topic"])
        topic, n = Topic.get_or_none(Topic.id == asked["topic"]), rows.count()
        if topic is None or not n:
            raise registry.not_found()
        if position is not None:
            rows = rows.where(Response.key < position[1])
        keys = [key for (key,) in rows.order_by(Response.key.desc()).limit(PAGE + 1).tuples()]
        following = keys[PAGE - 1] if len(keys) > PAGE else None
        return feed.some(keys[:PAGE]), following, (say(f"mine.{asked['felt']}", topic=labels.of(topic)), n)
    filters: dict[str, Any] = {"agent": agents}
    told = None
    if "survey" not in asked:
        filters["has_comment"] = asked.get("has_comment")
    else:
        survey = visible.own(Survey, asked["survey"], registry.caller())
        filters |= {"survey": survey.id, "since": since, "counted": "1"}
        told = (
            say("mine.counted", survey=survey.name),
            sum(_counts(agents, since).get(survey.id, {}).values()),
        )
    stream = feed.page(filters, PAGE, "desc", position, registry.seen())
    return stream.items, stream.position[1] if stream.position else None, told


def _own(query: Any, agents: Sequence[str], since: datetime) -> Any:
    """A query of responses, narrowed to those of one's own that the member may see."""
    query = query.where(Response.agent_id.in_(list(agents)), Response.key >= microseconds(since))
    seen = registry.seen()
    return query if seen is None else query.where(Response.survey.in_(seen))


def _counts(agents: Sequence[str], since: datetime) -> dict[str, dict[int, int]]:
    """How often each score was given in one's own answers, by survey."""
    # By the index of agents, and not survey by survey: of all answers one's own are few.
    given = Response.select(Response.survey, Response.score, fn.COUNT(Response.key)).where(Response.counted)
    rows: Any = _own(given, agents, since).group_by(Response.survey, Response.score)
    counts: dict[str, dict[int, int]] = {}
    for survey_id, score, n in rows.tuples():
        counts.setdefault(survey_id, {})[score] = n
    return counts


def _values(agents: Sequence[str], since: datetime) -> list[dict[str, Any]]:
    """What each survey comes to over one's own answers, with its interval and how many they are."""
    counts = _counts(agents, since)
    found = []
    for survey in visible.surveys(registry.caller()).where(Survey.id.in_(list(counts))).order_by(Survey.name):
        metric = METRICS[survey.metric]
        whole = statistics.summarise(metric, counts[survey.id])
        found.append(
            {
                "survey": survey,
                "metric": metric,
                "n": whole.n,
                "value": charts.value(metric, whole.value),
                "interval": charts.interval(metric, whole.interval),
            }
        )
    return found


def _said(agents: Sequence[str], since: datetime) -> dict[str, list[tuple[str, str, int]]]:
    """The topics that one's own answers speak of well and badly, the commonest first: id, label and how many."""
    columns = (Topic.id, labels.column(Topic), _FEELING, fn.COUNT(Response.key))
    rows: Any = _speaking(agents, since, *columns).group_by(Topic.id, Topic.label, Topic.names, _FEELING)
    found: dict[str, list[tuple[str, str, int]]] = {felt: [] for felt in FELT}
    for topic, label, felt, n in sorted(rows.tuples(), key=lambda row: (-row[3], row[1].casefold())):
        if len(found[felt]) < MOST_TOPICS:
            found[felt].append((topic, label, n))
    return found


def _speaking(
    agents: Sequence[str], since: datetime, *columns: Any, felt: Sequence[str] = FELT, topic: Any = None
) -> Any:
    """A query of one's own answers and the topics that they speak of well or badly; `topic`: of that one alone."""
    query = (
        Placement.select(*columns)
        .join(Topic, on=(Topic.id == Placement.topic))
        .join(Response, on=(Response.key == Placement.response), src=Placement)
        .join(Reading, on=(Reading.key == Response.key), src=Response)
        .where(_FEELING.in_(felt), ~Response.test, ~Response.excluded)
    )
    return _own(query if topic is None else query.where(Placement.topic == topic), agents, since)
