"""What a fix did to its topic; and that, and who speaks of the topic, at an address that anybody may open."""

from datetime import datetime
from typing import Any

from flask import Response, g

from feedback import proofs
from feedback.domain import cards
from feedback.models import Topic
from feedback.proofs import BADGE, PROOF, SHOWN
from feedback.schemas.proofs import CardOut, EffectOut
from feedback.topics.reports import Scope
from surveys import links, visible
from surveys.base import clock, errors
from surveys.base.http import context
from surveys.base.http.bodies import Routes
from surveys.base.http.callers import needs
from surveys.models import Survey
from surveys.views import layout

routes = Routes("proofs", __name__, url_prefix="/api/topics", description="What came of a fix.")
public = Routes("cards", __name__, description="Cards that a team shows others: no key needed.")
layout.errors_as_pages(public)
layout.keep_private(public)

_IMAGE: dict[str, Any] = {
    "200": {"description": "The image.", "content": {"image/svg+xml": {"schema": {"type": "string"}}}},
    "404": {
        "description": "There is no such card (any more). Said as a page.",
        "content": {"text/html": {"schema": {"type": "string"}}},
    },
}


@routes.route("/<topic_id>/effect", methods=["GET"])
@needs("read")
@routes.response(200, EffectOut)
def effect(topic_id: str) -> Any:
    """The topic's share of comments before and after it was shipped, against topics that nobody touched. It says what
    changed, never why. A 409 for a topic that was not shipped.
    """
    topic = visible.own(Topic, topic_id, g.caller)
    shipped = proofs.shipped_at(topic)
    if shipped is None:
        raise errors.Clash("The topic was never shipped.", "status")
    rows = list(visible.surveys(g.caller).order_by(Survey.created_at))
    scope = Scope(rows, limited=not visible.all_of(None, g.caller))
    found = proofs.prove(topic, shipped, scope, context.settings().time_zone, clock.now())
    return EffectOut.of(found)


@routes.route("/<topic_id>/<any(proof, badge):kind>", methods=["POST"])
@needs("write")
@routes.response(201, CardOut)
def publish(topic_id: str, kind: str) -> Any:
    """An address that anybody may open, good until it is taken back; the same again for a card that has one."""
    topic = _own(topic_id)
    card = proofs.publish(topic, kind, g.caller.name, clock.now())
    return {"url": links.card(kind, card.id), "markdown": proofs.markdown(card)}


@routes.route("/<topic_id>/<any(proof, badge):kind>", methods=["DELETE"])
@needs("write")
@routes.response(204)
def revoke(topic_id: str, kind: str) -> Any:
    """Take the address back: whoever opens it finds nothing any more."""
    if not proofs.revoke(_own(topic_id), kind):
        raise errors.Missing


@public.route("/badge/<token>.svg", methods=["GET"])
@public.doc(responses=_IMAGE)
def badge(token: str) -> Response:
    """Live evidence for an issue tracker: how many customers speak of a topic, what it does to the value, and when it
    was last heard. Numbers, and no words of customers.
    """
    topic = _public(token, BADGE)
    now = clock.now()
    parts = _evidence(SHOWN.evidence(topic, now), now)
    found = SHOWN.proof(topic, now) if topic.status in (proofs.SHIPPED, proofs.CAME_BACK) else None
    effect = cards.in_short(found.effect) if found is not None else None
    return _image(cards.badge([*parts, effect] if effect else parts))


@public.route("/proof/<token>.svg", methods=["GET"])
@public.doc(responses=_IMAGE)
def proof_image(token: str) -> Response:
    """The proof card as an image."""
    topic = _public(token, PROOF)
    return _image(cards.strip(_proof(topic).effect, topic.label))


@public.route("/proof/<token>", methods=["GET"])
@public.doc(responses={"200": layout.HTML})
def proof(token: str) -> Response:
    """A fix's proof card: what changed, against what changes anyway, and what else happened."""
    topic = _public(token, PROOF)
    found = _proof(topic)
    return layout.page(
        "dashboard/proof.html",
        "en",
        label=topic.label,
        came_back=topic.status == proofs.CAME_BACK,
        proof=found,
        sentence=cards.sentence(found.effect),
        placed=cards.placed(found.effect),
        shares=cards.shares(found.effect),
        cost=cards.cost(*found.impacts),
        own_value=cards.own_value(*found.impacts),
        chart=cards.chart(found.effect, topic.label),
        day=lambda at: at.astimezone(context.settings().time_zone).date().isoformat(),
    )


# ------------------------------------------------------------------------------------------------------


def _own(topic_id: str) -> Topic:
    visible.demand_all(g.caller, "Topics are shared by all surveys, and you see only some of them.")
    return visible.own(Topic, topic_id, g.caller)


def _public(token: str, kind: str) -> Topic:
    try:
        topic = proofs.public(links.card_id(kind, token, clock.now()), kind)
    except links.BadToken:
        topic = None
    if topic is None:
        raise errors.Missing
    return topic


def _proof(topic: Topic) -> proofs.Proof:
    found = SHOWN.proof(topic, clock.now())
    if found is None:
        raise errors.Missing
    return found


def _evidence(found: proofs.Evidence, now: datetime) -> list[str]:
    """The parts of a badge's line."""
    parts = [
        _counted(found.customers, "customer") if found.customers else _counted(found.comments, "comment")
    ]
    if found.impact is not None and found.impact.impact is not None and found.impact.interval is not None:
        low, high = found.impact.interval
        parts.append(f"{found.impact.impact:+.1f} points ({low:+.1f} to {high:+.1f})")
    if found.heard_at is not None:
        days = (now - found.heard_at).days
        parts.append("last heard today" if days == 0 else f"last heard {_counted(days, 'day')} ago")
    if found.status in (proofs.SHIPPED, proofs.CAME_BACK):
        parts.append(found.status.replace("_", " "))
    return parts


def _counted(n: int, thing: str) -> str:
    return f"{n:,} {thing}{'' if n == 1 else 's'}"


def _image(svg: str) -> Response:
    reply = Response(svg, mimetype="image/svg+xml")
    reply.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return reply
