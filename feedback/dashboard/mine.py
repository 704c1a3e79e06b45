"""A member's own work: what customers said of it, and what that comes to. Nothing of anybody else's."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate
from peewee import fn

from feedback import feed, labels
from feedback.dashboard import charts, layout, registry
from feedback.dashboard.words import say
from feedback.domain import statistics
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


class MineQuery(ma.Schema):
    """From where on the stream is shown."""

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
    position = (0, lists.decode_cursor(asked["cursor"], int)[0]) if "cursor" in asked else None
    since = schedule.starts_at(
        schedule.day_of(clock.now(), layout.zone()) - timedelta(days=DAYS - 1), layout.zone()
    )
    stream = feed.page({"agent": agents}, PAGE, "desc", position, registry.seen())
    said = _said(agents, since)
    return layout.page(
        "mine.html",
        say("mine"),
        days=DAYS,
        values=_values(agents, since),
        praised=said["positive"],
        missed=said["negative"],
        items=stream.items,
        names=feed.names_of_surveys({item.survey for item in stream.items}),
        agents=agents,
        newest="cursor" in asked,
        older=layout.here(cursor=lists.encode_cursor(stream.position[1])) if stream.position else None,
    )


# ------------------------------------------------------------------------------------------------------


def _own(query: Any, agents: Sequence[str], since: datetime) -> Any:
    """A query of responses, narrowed to those of one's own that the member may see."""
    query = query.where(Response.agent_id.in_(list(agents)), Response.key >= microseconds(since))
    seen = registry.seen()
    return query if seen is None else query.where(Response.survey.in_(seen))


def _values(agents: Sequence[str], since: datetime) -> list[dict[str, Any]]:
    """What each survey comes to over one's own answers, with its interval and how many they are."""
    # By the index of agents, and not survey by survey: of all answers one's own are few.
    given = Response.select(Response.survey, Response.score, fn.COUNT(Response.key)).where(Response.counted)
    rows: Any = _own(given, agents, since).group_by(Response.survey, Response.score)
    counts: dict[str, dict[int, int]] = {}
    for survey_id, score, n in rows.tuples():
        counts.setdefault(survey_id, {})[score] = n
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


def _said(agents: Sequence[str], since: datetime) -> dict[str, list[tuple[str, int]]]:
    """The topics that one's own answers speak of well and badly, the commonest first."""
    feeling = fn.COALESCE(Placement.sentiment, Reading.label)
    query = (
        Placement.select(labels.column(Topic), feeling, fn.COUNT(Response.key))
        .join(Topic, on=(Topic.id == Placement.topic))
        .join(Response, on=(Response.key == Placement.response), src=Placement)
        .join(Reading, on=(Reading.key == Response.key), src=Response)
        .where(feeling.in_(("positive", "negative")))
    )
    rows: Any = _own(query, agents, since).group_by(Topic.id, Topic.label, Topic.names, feeling)
    found: dict[str, list[tuple[str, int]]] = {"positive": [], "negative": []}
    for label, felt, n in sorted(rows.tuples(), key=lambda row: (-row[2], row[0].casefold())):
        if len(found[felt]) < MOST_TOPICS:
            found[felt].append((label, n))
    return found
