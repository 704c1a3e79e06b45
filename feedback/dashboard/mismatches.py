"""Mismatches: where the words plainly say the opposite of the score, and what the value would be without them."""

from typing import Any

from flask import request

from feedback import feed, mismatches
from feedback.dashboard import charts, layout, registry, words
from feedback.domain import marks
from feedback.schemas.team import MismatchQuery
from surveys import visible
from surveys.base import clock
from surveys.base.http import lists
from surveys.domain.metrics import METRICS
from surveys.models import Response, Survey

say = words.say

PAGE = 20


@registry.page(
    title=say("mismatches"), address="/team/mismatches", scope="read", nav="listen", icon="mismatch", place=6
)
def index() -> Any:
    """Praise from the lowest group and blame from the highest, newest first, with both readings and their evidence."""
    asked = layout.query(MismatchQuery())
    if not all(request.args.values()):
        return layout.led(layout.here())
    surveys = list(visible.surveys(registry.caller()).order_by(Survey.created_at, Survey.id))
    chosen = next((each for each in surveys if each.id == asked.get("survey")), None)
    if asked.get("survey") and chosen is None:
        raise registry.not_found()
    filters = {"mismatch": "1", "counted": "1", **({"survey": chosen.id} if chosen else {})}
    position, until = layout.position(asked), layout.as_of(asked)
    looked_at = [chosen] if chosen else surveys
    before = position[1] if position else clock.microseconds(until) if until else None
    since = mismatches.since(looked_at, PAGE + 1, before)
    page = (
        feed.page({**filters, "since": since, "until": until}, PAGE, "desc", position, registry.seen())
        if since
        else feed.Page([], None)
    )
    n = min(mismatches.count(looked_at, until), feed.MOST_COUNTED)
    keys = _keys([item.id for item in page.items])
    effect = mismatches.effect(chosen, layout.zone(), until) if chosen else None
    metric = METRICS[chosen.metric] if chosen else None
    return layout.page(
        "mismatches.html",
        say("mismatches"),
        items=[
            (item, marks.runs(item.comment or "", feed.words(keys[item.id]), {}))
            for item in page.items
            if item.id in keys
        ],
        n=n,
        is_all=n < feed.MOST_COUNTED,
        query={**filters, **({"as_of": request.args["as_of"]} if until else {})},
        as_of=request.args["as_of"] if until else None,
        names={survey.id: survey.name for survey in surveys},
        surveys=surveys,
        chosen=chosen,
        effect={
            "n": effect.n,
            "now": charts.value(metric, effect.now.value),
            "now_range": charts.interval(metric, effect.now.interval),
            "without": charts.value(metric, effect.without.value),
            "without_range": charts.interval(metric, effect.without.interval),
        }
        if effect and metric
        else None,
        newest="cursor" in asked,
        older=layout.here(cursor=lists.encode_cursor(page.position[1])) if page.position else None,
    )


# ------------------------------------------------------------------------------------------------------


def _keys(ids: list[str]) -> dict[str, int]:
    rows: Any = Response.select(Response.id, Response.key).where(Response.id.in_(ids)).tuples()
    return dict(rows)
