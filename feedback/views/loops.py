"""Closing the loop over the API: whoever spoke of a topic is told what came of it, once a person has seen to whom."""

from typing import Any

from flask import g

from feedback import held_out, loop_lists, loops
from feedback.models import Loop, Topic
from feedback.schemas.loops import AudienceOut, LoopBody, LoopEffectOut, LoopMadeOut, LoopOut
from surveys import visible
from surveys.base import clock
from surveys.base.http import lists
from surveys.base.http.bodies import Routes
from surveys.base.http.callers import needs
from surveys.base.http.replays import idempotent

topics = Routes("topic loops", __name__, url_prefix="/api/topics", description="Telling what came of it.")
routes = Routes("loops", __name__, url_prefix="/api/loops", description="Telling what came of it.")


@topics.route("/<topic_id>/loop", methods=["GET"])
@needs("write")
@topics.arguments(lists.PageArgs, location="query")
@topics.response(200, AudienceOut)
def audience(query: dict[str, Any], topic_id: str) -> Any:
    """Who would be told of a topic now, each once, and with which sentence of their own; who spoke last comes first.
    The pages are of one list, which stays as it was for a day, as long as fewer than ten newer ones are made of the
    topic; name it when you have them told, and nobody else is.
    """
    topic = _own(topic_id)
    if "cursor" in query:
        list_id, place = lists.decode_cursor(query["cursor"], str, int)
        found = loop_lists.page(loop_lists.of(topic, list_id, "cursor"), place, query["limit"])
    else:
        found = loop_lists.prepare(topic, query["limit"], clock.now())
    items = [
        {
            "person": each.person.id,
            "name": each.person.name,
            "language": each.language,
            "sentence": each.sentence,
            "response": each.response.id,
        }
        for each in found.lines
    ]
    following = lists.encode_cursor(found.list_id, found.following) if found.following is not None else None
    return {"items": items, "next": following, "list": found.list_id, "left_out": found.left_out}


@topics.route("/<topic_id>/loop", methods=["POST"])
@needs("write")
@idempotent
@topics.arguments(LoopBody)
@topics.response(202, LoopMadeOut)
def close(body: dict[str, Any], topic_id: str) -> Any:
    """Tell them, ten minutes from now. A 409 where nothing is shipped or declined, or nobody may be told."""
    topic, shown = _own(topic_id), None
    if body["listed"] is not None:
        shown = loop_lists.named(loop_lists.of(topic, body["listed"], "list"))
    loop, told, held_out = loops.close(
        topic, body["text"], body["without"], body["holdout"], g.caller, clock.now(), shown
    )
    undo_until = {"undo_until": loop.send_at}
    return {"id": loop.id, "send_at": loop.send_at, **undo_until, "told": told, "held_out": held_out}


@routes.route("/effect", methods=["GET"])
@needs("write")
@routes.response(200, LoopEffectOut)
def effect() -> Any:
    """What telling does, over all loops that held people out: who was told at once against who is told 60 days later,
    by their next score and by how many answer when they are asked again.
    """
    visible.demand_all(g.caller, _SHARED)
    return held_out.compared(clock.now())


@routes.route("/<loop_id>", methods=["GET"])
@needs("write")
@routes.response(200, LoopOut)
def show(loop_id: str) -> Any:
    """What became of it so far."""
    visible.demand_all(g.caller, _SHARED)
    loop, now = visible.own(Loop, loop_id, g.caller), clock.now()
    return {
        "id": loop.id,
        "topic": loop.topic_id,
        "status": loop.status,
        "send_at": loop.send_at,
        "undo_until": loop.send_at,
        "undone_at": loop.undone_at,
        **vars(loops.outcome(loop)),
        "effect": held_out.compared(now, loop) if loop.holdout else None,
    }


@routes.route("/<loop_id>", methods=["DELETE"])
@needs("write")
@routes.response(204)
def undo(loop_id: str) -> Any:
    """Take it back, whoever was to be told later included. A 409 once the ten minutes are over."""
    visible.demand_all(g.caller, _SHARED)
    loops.undo(visible.own(Loop, loop_id, g.caller), clock.now())


_SHARED = "Topics are shared by all surveys, and you see only some of them."


def _own(topic_id: str) -> Topic:
    visible.demand_all(g.caller, _SHARED)
    return visible.own(Topic, topic_id, g.caller)
