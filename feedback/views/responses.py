"""Responses over the API: import, look up, correct, exclude, delete."""

from datetime import timedelta
from typing import Any

import marshmallow as ma
from flask import g

from feedback import corrections, feed, triage
from feedback.item import Item
from feedback.schemas.responses import ImportBody, ResponseList, ResponseOut, ResponsePatch, ResponsesQuery
from feedback.views.feed import narrow
from surveys import recording, responses, visible
from surveys.base import clock, db
from surveys.base.errors import Missing, Refused
from surveys.base.http import lists
from surveys.base.http.bodies import Routes
from surveys.base.http.callers import needs
from surveys.base.http.replays import idempotent
from surveys.models import Response, Survey

routes = Routes("responses", __name__, url_prefix="/api/responses", description="What came back.")

#: What of an import is no value of the answer itself.
_ABOUT = ("id", "survey", "person", "created_at", "agent", "team", "ticket", "tags")

#: What was said longer ago is history: its comment is read when those of now are.
HISTORY = timedelta(hours=1)


@routes.route("", methods=["GET"])
@needs("read")
@routes.arguments(ResponsesQuery, location="query", unknown=ma.INCLUDE)
@routes.response(200, ResponseList)
def index(query: dict[str, Any]) -> Any:
    """Responses, newest first, with the filters of the feed."""
    limit, cursor = query.pop("limit"), query.pop("cursor", None)
    position = (0, lists.decode_cursor(cursor, int)[0]) if cursor else None
    page = feed.page(narrow(query), limit, "desc", position, visible.only(g.caller))
    following = lists.encode_cursor(page.position[1]) if page.position else None
    return {"items": page.items, "next": following}


@routes.route("", methods=["POST"])
@needs("write")
@idempotent
@routes.arguments(ImportBody)
@routes.response(201, ResponseOut)
@routes.alt_response(200, schema=ResponseOut, description="Was imported before; amended where it differs.")
def create(body: dict[str, Any]) -> Any:
    """Import one response. The person is taken at your word; the same `id` again gives no second row.

    What it carries then and differs is amended at any time, but for `created_at` and `tags`.
    """
    survey = visible.own(Survey, body["survey"], g.caller, field="survey")
    now = clock.now()
    if body.get("created_at", now) > now:
        raise Refused("Must not be in the future.", "created_at")
    answer = recording.Answer(
        id=body["id"],
        revision=1,
        values={name: value for name, value in body.items() if name not in _ABOUT},
        person=body.get("person"),
        created_at=body.get("created_at"),
        vouched=True,
        attribution=_attribution(body),
        history=now - body.get("created_at", now) > HISTORY,
    )
    row, created = recording.record(survey, answer, now)
    return feed.one(row.key), 201 if created else 200


@routes.route("/<response_id>", methods=["GET"])
@needs("read")
@routes.response(200, ResponseOut)
def show(response_id: str) -> Any:
    """One response."""
    return _item(_own(response_id))


@routes.route("/<response_id>", methods=["PATCH"])
@needs("write")
@routes.arguments(ResponsePatch)
@routes.response(200, ResponseOut)
def change(body: dict[str, Any], response_id: str) -> Any:
    """Tag, exclude or restore a response; place it in topics and label its sentiment better than the engines."""
    # The verb runs in the writer's thread, which has no request.
    row, now, caller = _own(response_id), clock.now(), g.caller

    def verb() -> None:
        if "tags" in body:
            responses.set_tags(row, body["tags"], now)
        if "excluded" in body:
            responses.exclude(row, body["excluded"], now)
        if "triage" in body:
            triage.put([row.key], body["triage"], caller.name, now)
        if "topics" in body:
            corrections.set_topics(row, body["topics"], now, caller)
        if "sentiment" in body:
            if body["sentiment"] is None:
                corrections.withdraw_sentiment(row, now)
            else:
                corrections.set_sentiment(row, body["sentiment"], now)

    db.write(verb)
    return _item(row)


@routes.route("/<response_id>", methods=["DELETE"])
@needs("write")
@routes.response(204)
def delete(response_id: str) -> Any:
    """Delete a response and all that was derived from it."""
    responses.delete(_own(response_id), clock.now())


def _own(response_id: str) -> Response:
    return visible.shown(responses.find(response_id.lower()), g.caller)


def _item(row: Response) -> Item:
    item = feed.one(row.key)
    if item is None:
        raise Missing
    return item


def _attribution(body: dict[str, Any]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for name in ("agent", "team"):
        if given := body.get(name):
            columns |= {f"{name}_id": given["id"], f"{name}_name": given.get("name")}
    if ticket := body.get("ticket"):
        columns |= {"ticket": ticket, "ticket_id": ticket["id"], "ticket_channel": ticket.get("channel")}
    if "tags" in body:
        columns["tags"] = list(dict.fromkeys(body["tags"]))
    return columns
