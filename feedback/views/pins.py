"""Pins over the API: listed, set, taken off."""

from typing import Any

from flask import g

from feedback import pins
from feedback.models import Pin
from feedback.schemas.pins import PinBody, PinList, PinOut
from surveys import visible
from surveys.base import clock
from surveys.base.errors import Missing, Refused
from surveys.base.http import lists
from surveys.base.http.bodies import Routes
from surveys.base.http.callers import needs
from surveys.base.http.replays import idempotent
from surveys.models import Survey

routes = Routes(
    "pins", __name__, url_prefix="/api/pins", description="Notes of what happened, on every chart."
)


@routes.route("", methods=["GET"])
@needs("write")
@routes.arguments(lists.PageArgs, location="query")
@routes.response(200, PinList)
def index(query: dict[str, Any]) -> Any:
    """Pins, the latest first."""
    rows, following = lists.newest_first(
        pins.visible(visible.only(g.caller)), Pin.at, Pin.id, query.get("cursor"), query["limit"]
    )
    return {"items": rows, "next": following}


@routes.route("", methods=["POST"])
@needs("write")
@idempotent
@routes.arguments(PinBody)
@routes.response(201, PinOut)
def create(body: dict[str, Any]) -> Any:
    """Pin a note to the charts of a survey, or of all."""
    survey = body["survey"]
    if survey is not None:
        visible.own(Survey, survey, g.caller, "survey")
    elif not visible.all_of(None, g.caller):
        raise Refused("Name one: you see only some surveys.", "survey")
    return pins.add(body["at"], body["text"], body["kind"], survey, g.caller.name, clock.now())


@routes.route("/<pin_id>", methods=["DELETE"])
@needs("write")
@routes.response(204)
def delete(pin_id: str) -> Any:
    """Take a pin off all charts."""
    if not pins.remove(pin_id, visible.only(g.caller)):
        raise Missing
