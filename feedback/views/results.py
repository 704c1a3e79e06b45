"""GET /api/metrics: numbers with n and interval."""

from typing import Any

import marshmallow as ma
from flask import g

from feedback import results, segments
from feedback.schemas.metrics import MetricsOut, MetricsQuery
from feedback.views.feed import narrow
from surveys.base import clock
from surveys.base.http import context, problems
from surveys.base.http.bodies import Routes
from surveys.base.http.callers import needs
from surveys.base.http.problems import Problem
from surveys.domain.metrics import METRICS
from surveys.models import Survey

routes = Routes("metrics", __name__, description="Numbers with n and interval.")


@routes.route("/api/metrics", methods=["GET"])
@needs("read")
@routes.arguments(MetricsQuery, location="query", unknown=ma.INCLUDE)
@routes.response(200, MetricsOut)
def metrics(query: dict[str, Any]) -> Any:
    """What a metric comes to: value, n and interval, the period before, by day and by segment."""
    narrow({"topic": query.get("topic")})
    narrowed = {
        name: value
        for name, value in query.items()
        if name in segments.SEGMENTS or name.startswith(segments.PROPERTY)
    }
    by = query.get("by")
    if (
        by
        and by not in segments.SEGMENTS
        and not (by.startswith(segments.PROPERTY) and by != segments.PROPERTY)
    ):
        raise problems.invalid("by", f"Must be one of {', '.join(segments.SEGMENTS)} or property:<name>.")
    zone = context.settings().time_zone
    surveys = _surveys(query)
    question = results.Question(
        metric=METRICS[query.get("metric") or surveys[0].metric],
        surveys=surveys,
        since=query["since"].moment(zone) if query.get("since") else None,
        until=query["until"].moment(zone) if query.get("until") else None,
        interval=query.get("interval"),
        latest=query["repeat"] == "latest",
        by=by,
        segments=narrowed,
    )
    try:
        return results.answer(question, zone, clock.now())
    except results.TooMany:
        raise problems.invalid("interval", f"Gives more than {results.MOST_BUCKETS} points.") from None


def _surveys(query: dict[str, Any]) -> list[Survey]:
    if not query.get("survey") and not query.get("metric"):
        raise Problem(
            422,
            "The request is well-formed but not valid.",
            {"survey": ["Give survey or metric."], "metric": ["Give survey or metric."]},
        )
    found = Survey.select()
    if query.get("survey"):
        found = found.where(Survey.id == query["survey"])
    if query.get("metric"):
        found = found.where(Survey.metric == query["metric"])
    if g.key.surveys is not None:
        found = found.where(Survey.id.in_(g.key.surveys))
    rows = list(found.order_by(Survey.created_at))
    if not rows and query.get("survey"):
        raise problems.not_found()
    return rows
