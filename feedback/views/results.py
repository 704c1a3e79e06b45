"""GET /api/metrics: numbers with n and interval."""

from typing import Any

import marshmallow as ma
from flask import g

from feedback import results, segments
from feedback.schemas.metrics import MetricsOut, MetricsQuery
from feedback.views.feed import narrow
from surveys import visible
from surveys.base import clock, errors
from surveys.base.http import context
from surveys.base.http.bodies import Routes
from surveys.base.http.callers import needs
from surveys.domain.metrics import METRICS
from surveys.models import Survey

routes = Routes("metrics", __name__, description="Numbers with n and interval.")


@routes.route("/api/metrics", methods=["GET"])
@needs("read")
@routes.arguments(MetricsQuery, location="query", unknown=ma.INCLUDE)
@routes.response(200, MetricsOut)
def metrics(query: dict[str, Any]) -> Any:
    """What a metric comes to: value, n and interval, the period before, by day and by segment."""
    narrow({name: query.get(name) for name in ("topic", "theme")})
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
        raise errors.Refused(f"Must be one of {', '.join(segments.SEGMENTS)} or property:<name>.", "by")
    zone = context.settings().time_zone
    surveys = _surveys(query)
    selection = results.Selection(
        metric=METRICS[query.get("metric") or surveys[0].metric],
        surveys=surveys,
        since=query["since"].moment(zone) if query.get("since") else None,
        until=query["until"].moment(zone) if query.get("until") else None,
        interval=query.get("interval"),
        latest=query["repeat"] == "latest",
        by=by,
        segments=narrowed,
    )
    return results.number(selection, zone, clock.now())


def _surveys(query: dict[str, Any]) -> list[Survey]:
    if not query.get("survey") and not query.get("metric"):
        raise errors.Refused("Give survey or metric.", "survey", "metric")
    found = visible.surveys(g.caller)
    if query.get("survey"):
        found = found.where(Survey.id == query["survey"])
    if query.get("metric"):
        found = found.where(Survey.metric == query["metric"])
    rows = list(found.order_by(Survey.created_at))
    if not rows and query.get("survey"):
        raise errors.Missing
    return rows
