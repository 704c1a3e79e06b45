"""Topics over the API: seen, taught, renamed, merged, split, reviewed; and which of them move the value."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import g

from feedback import drivers as the_drivers
from feedback.models import Theme, Topic
from feedback.schemas.topics import (
    CorrectionsOut,
    DriversOut,
    DriversQuery,
    MergeBody,
    ReviewOut,
    SplitBody,
    ThemeBody,
    ThemeList,
    ThemeMergeBody,
    ThemeOut,
    ThemePatch,
    ThemesQuery,
    TopicBody,
    TopicList,
    TopicOut,
    TopicPatch,
    TopicQuery,
    TopicsQuery,
)
from feedback.sentiment import learning
from feedback.topics import reports, reviews, topics
from feedback.topics import themes as the_themes
from feedback.topics.report import ThemeReport, TopicReport
from feedback.topics.reports import Scope
from surveys import responses, visible
from surveys.base import clock, errors
from surveys.base.http import context, lists
from surveys.base.http.bodies import Routes
from surveys.base.http.callers import needs
from surveys.base.http.replays import idempotent

routes = Routes("topics", __name__, url_prefix="/api/topics", description="What comments have in common.")
above = Routes("themes", __name__, url_prefix="/api/themes", description="What topics have in common.")
drivers = Routes("drivers", __name__, description="Which topics move the number.")
sentiment = Routes("sentiment", __name__, description="What people's corrections taught.")


@routes.route("", methods=["GET"])
@needs("read")
@routes.arguments(TopicsQuery, location="query")
@routes.response(200, TopicList)
def index(query: dict[str, Any]) -> Any:
    """Topics, the largest first, and how many comments are not yet in one.

    Value and impact are given where the surveys looked at share one metric.
    """
    scope = _scope(query)
    everybody = visible.all_of(None, g.caller) and not ({"survey", "metric"} & set(query))
    found = reports.overview(scope, everybody, context.settings().time_zone, clock.now())
    wanted = [item for item in found.items if query.get("status") in (None, item.status)]
    items, following = _part(wanted, query)
    return {"found": replace(found, items=reports.page(items, scope)), "next": following}


@routes.route("", methods=["POST"])
@needs("write")
@idempotent
@routes.arguments(TopicBody)
@routes.response(201, TopicOut)
def create(body: dict[str, Any]) -> Any:
    """Teach a topic by its name and a few examples; comments like them are put into it from then on."""
    _check_shared()
    row = topics.teach(body["label"], body.get("examples", []), clock.now())
    return _item(row, _scope({}))


@routes.route("/review", methods=["POST"])
@needs("write")
@routes.response(202, ReviewOut)
def review() -> Any:
    """Have all topics looked at anew, beside everything else. One that waits or runs already serves as well."""
    _check_shared()
    reviews.ask(clock.now())
    return reports.review()


@routes.route("/<topic_id>", methods=["GET"])
@needs("read")
@routes.arguments(TopicQuery, location="query")
@routes.response(200, TopicOut)
def show(query: dict[str, Any], topic_id: str) -> Any:
    """One topic with its most typical comments, the phrases that mark it and its lineage."""
    scope = _scope(query)
    return _item(visible.own(Topic, topic_id, g.caller), scope)


@routes.route("/<topic_id>", methods=["PATCH"])
@needs("write")
@routes.arguments(TopicPatch)
@routes.response(200, TopicOut)
def change(body: dict[str, Any], topic_id: str) -> Any:
    """Rename a topic or put it under another theme, which no review undoes, or say who looks after it and where."""
    _check_shared()
    row = topics.change(topic_id, body, clock.now(), g.caller.name)
    return _item(row, _scope({}))


@routes.route("/<topic_id>/merge", methods=["POST"])
@needs("write")
@routes.arguments(MergeBody)
@routes.response(200, TopicOut)
def merge(body: dict[str, Any], topic_id: str) -> Any:
    """Put all of a topic into another one, now and after every review; the answer is the other one."""
    _check_shared()
    _check_merge(Topic, topic_id, body["into"], "topic")
    return _item(topics.merge(topic_id, body["into"], clock.now()), _scope({}))


@routes.route("/<topic_id>/split", methods=["POST"])
@needs("write")
@idempotent
@routes.arguments(SplitBody)
@routes.response(201, TopicOut)
def split(body: dict[str, Any], topic_id: str) -> Any:
    """Make a new topic of some comments of a topic. They teach it: others like them are put into it too."""
    _check_shared()
    visible.own(Topic, topic_id, g.caller)
    found = {response_id: responses.find(response_id.lower()) for response_id in body["responses"]}
    comments = {response_id: row.key if row else None for response_id, row in found.items()}
    row = topics.split(topic_id, body["label"], comments, body.get("examples", []), clock.now())
    return _item(row, _scope({}))


@above.route("", methods=["GET"])
@needs("read")
@above.arguments(ThemesQuery, location="query")
@above.response(200, ThemeList)
def themes(query: dict[str, Any]) -> Any:
    """Themes, the largest first, with their numbers. Where topics are few there are none."""
    scope = _scope(query)
    everybody = visible.all_of(None, g.caller) and not ({"survey", "metric"} & set(query))
    found = reports.measured_themes(scope, everybody, context.settings().time_zone, clock.now())
    items, following = _part(found, query)
    return {"items": items, "next": following, "metric": scope.metric.key if scope.metric else None}


@above.route("", methods=["POST"])
@needs("write")
@idempotent
@above.arguments(ThemeBody)
@above.response(201, ThemeOut)
def make_theme(body: dict[str, Any]) -> Any:
    """Make a theme of some topics; no review takes them out."""
    _check_shared()
    row = the_themes.make(body["label"], body.get("topics", []), body.get("owner"), clock.now())
    return _theme(row)


@above.route("/<theme_id>", methods=["PATCH"])
@needs("write")
@above.arguments(ThemePatch)
@above.response(200, ThemeOut)
def change_theme(body: dict[str, Any], theme_id: str) -> Any:
    """Rename a theme, which no review undoes, or say who looks after it and how far that is."""
    _check_shared()
    return _theme(the_themes.change(theme_id, body, clock.now()))


@above.route("/<theme_id>/merge", methods=["POST"])
@needs("write")
@above.arguments(ThemeMergeBody)
@above.response(200, ThemeOut)
def merge_themes(body: dict[str, Any], theme_id: str) -> Any:
    """Put all topics of a theme under another one, now and after every review; the answer is the other one."""
    _check_shared()
    _check_merge(Theme, theme_id, body["into"], "theme")
    return _theme(the_themes.merge(theme_id, body["into"], clock.now()))


@drivers.route("/api/drivers", methods=["GET"])
@needs("read")
@drivers.arguments(DriversQuery, location="query")
@drivers.response(200, DriversOut)
def moving(query: dict[str, Any]) -> Any:
    """The topics or themes that move a value, the strongest first; with `since`, what changed since the period before.

    Impact is the value over all responses less the value over those without the topic, from 10 responses on.
    `contribution` is share times value, `explains` how much of it is new.
    """
    if not query.get("survey") and not query.get("metric"):
        raise errors.Refused("Give survey or metric.", "survey", "metric")
    selection = _scope(query).selection
    if selection is None:
        raise errors.Refused("There is no survey with this metric.", "metric")
    return the_drivers.moving(selection, context.settings().time_zone, clock.now(), query["level"])


@sentiment.route("/api/sentiment/corrections", methods=["GET"])
@needs("read")
@sentiment.response(200, CorrectionsOut)
def corrections() -> Any:
    """What people's corrections taught, survey by survey: words that read otherwise now, readings that changed.

    `overruled`: comments that a person labelled otherwise than the engine; `changed`: later readings that came
    out otherwise because of what it learnt from them.
    """
    return {"items": learning.overview(visible.only(g.caller)), "next": None}


def _scope(query: dict[str, Any]) -> Scope:
    return reports.scope_of(query, g.caller, context.settings().time_zone)


def _item(row: Topic, scope: Scope) -> TopicReport:
    return reports.one(row, scope, context.settings().time_zone, clock.now())


def _check_merge(table: type[Topic] | type[Theme], row_id: str, into: str, what: str) -> None:
    """Raises Missing where there is nothing to merge, Refused where there is no other to merge it into."""
    visible.own(table, row_id, g.caller)
    if into == row_id:
        raise errors.Refused(f"Must be another {what}.", "into")
    if table.get_or_none(table.id == into) is None:
        raise errors.Refused(f"There is no such {what}.", "into")


def _part(items: Sequence[Any], query: Mapping[str, Any]) -> tuple[Sequence[Any], str | None]:
    """The part of a list that is asked for, and the cursor of the next."""
    start = max(0, lists.decode_cursor(query["cursor"], int)[0]) if "cursor" in query else 0
    end = start + query["limit"]
    return items[start:end], lists.encode_cursor(end) if end < len(items) else None


def _theme(row: Theme) -> ThemeReport:
    return reports.one_theme(row, _scope({}), context.settings().time_zone, clock.now())


def _check_shared() -> None:
    visible.demand_all(g.caller, "Topics are shared by all surveys, and you see only some of them.")
