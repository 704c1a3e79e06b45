"""Webhooks over the API: who hears of what, and what became of it."""

from datetime import timedelta
from typing import Any

from flask import g

from surveys import visible
from surveys.base import clock, errors
from surveys.base.accounts import makers
from surveys.base.delivery.message import DeliveryFailed
from surveys.base.http import lists
from surveys.base.http.bodies import Routes
from surveys.base.http.callers import needs
from surveys.base.http.replays import idempotent, idempotent_secret
from surveys.models import Survey, Webhook, WebhookDelivery, WebhookEvent
from surveys.schemas.webhooks import (
    DeliveryList,
    DeliveryOut,
    DeliveryQuery,
    ReplayBody,
    Replayed,
    SecretBody,
    WebhookBody,
    WebhookCreated,
    WebhookList,
    WebhookOut,
    WebhookPatch,
)
from surveys.webhooks import telling

routes = Routes(
    "webhooks",
    __name__,
    url_prefix="/api/webhooks",
    description="Events to other systems, signed by Standard Webhooks; docs/webhooks.md says how to verify them.",
)


@routes.route("", methods=["GET"])
@needs("write")
@routes.arguments(lists.PageArgs, location="query")
@routes.response(200, WebhookList)
def index(query: dict[str, Any]) -> Any:
    """Webhooks, newest first, without their secrets."""
    rows, following = lists.newest_first(
        visible.narrowed(Webhook.select().where(Webhook.owner.is_null()), g.caller),
        Webhook.created_at,
        Webhook.id,
        query.get("cursor"),
        query["limit"],
    )
    makers.sights(rows)
    return {"items": rows, "next": following}


@routes.route("", methods=["POST"])
@needs("write")
@idempotent_secret
@routes.arguments(WebhookBody)
@routes.response(201, WebhookCreated)
def create(body: dict[str, Any]) -> Any:
    """Have events told to an address. The secret is shown this once."""
    _check(body)
    return telling.create(body, g.caller, clock.now())


@routes.route("/<webhook_id>", methods=["GET"])
@needs("write")
@routes.response(200, WebhookOut)
def show(webhook_id: str) -> Any:
    """One webhook."""
    row = _own(webhook_id)
    makers.sight(row)
    return row


@routes.route("/<webhook_id>", methods=["PATCH"])
@needs("write")
@routes.arguments(WebhookPatch)
@routes.response(200, WebhookOut)
def change(body: dict[str, Any], webhook_id: str) -> Any:
    """Change a webhook. What waits for it is tried at once."""
    row = _own(webhook_id)
    _check(body)
    changed = telling.change(row, body, clock.now())
    makers.sight(changed)
    return changed


@routes.route("/<webhook_id>", methods=["DELETE"])
@needs("write")
@routes.response(204)
def delete(webhook_id: str) -> Any:
    """Tell it nothing any more; what waits for it is not sent."""
    telling.delete(_own(webhook_id))


@routes.route("/<webhook_id>/secret", methods=["POST"])
@needs("write")
@idempotent_secret
@routes.arguments(SecretBody)
@routes.response(200, WebhookCreated)
def change_secret(body: dict[str, Any], webhook_id: str) -> Any:
    """Sign with another secret, which is shown this once. The one of before signs along for a while."""
    changed = telling.change_secret(_any(webhook_id), timedelta(hours=body["keep_hours"]), clock.now())
    makers.sight(changed)
    return changed


@routes.route("/<webhook_id>/take-over", methods=["POST"])
@needs("write")
@routes.response(200, WebhookOut)
def take_over(webhook_id: str) -> Any:
    """Answer for a webhook that is paused because its maker may not see any more what it tells; 409 if it is not."""
    telling.take_over(_any(webhook_id), g.caller, clock.now())
    row = _any(webhook_id)
    makers.sight(row)
    return row


@routes.route("/<webhook_id>/deliveries", methods=["GET"])
@needs("write")
@routes.arguments(DeliveryQuery, location="query")
@routes.response(200, DeliveryList)
def deliveries(query: dict[str, Any], webhook_id: str) -> Any:
    """What became of its events, newest first."""
    found = WebhookDelivery.select(WebhookDelivery, WebhookEvent).join(WebhookEvent)
    found = found.where(WebhookDelivery.webhook == _any(webhook_id).id)
    if "state" in query:
        found = found.where(WebhookDelivery.state == query["state"])
    if "cursor" in query:
        found = found.where(WebhookDelivery.event < lists.decode_cursor(query["cursor"], int)[0])
    limit = query["limit"]
    rows = list(found.order_by(WebhookDelivery.event.desc()).limit(limit + 1))
    following = lists.encode_cursor(rows[limit - 1].event_key) if len(rows) > limit else None
    return {"items": rows[:limit], "next": following}


@routes.route("/<webhook_id>/test", methods=["POST"])
@needs("write")
@idempotent
@routes.response(202, DeliveryOut)
def test(webhook_id: str) -> Any:
    """Send it the last real case of the first of its events that has one; its deliveries say what came of it."""
    return telling.test(_any(webhook_id), clock.now())


@routes.route("/<webhook_id>/replay", methods=["POST"])
@needs("write")
@idempotent
@routes.arguments(ReplayBody)
@routes.response(202, Replayed)
def replay(body: dict[str, Any], webhook_id: str) -> Any:
    """Send the events of some time once more, each under the id that it had."""
    now = clock.now()
    return {"queued": telling.replay(_any(webhook_id), body["since"], body.get("until") or now, now)}


def _own(webhook_id: str) -> Webhook:
    """A webhook that can be changed; what a rule owns is changed with the rule."""
    row = _any(webhook_id)
    if row.owner is not None:
        raise errors.Missing
    return row


def _any(webhook_id: str) -> Webhook:
    """A webhook, or what carries the notices of a rule."""
    return visible.own(Webhook, webhook_id, g.caller)


def _check(body: dict[str, Any]) -> None:
    if "surveys" in body:
        if not visible.all_of(body["surveys"], g.caller):
            raise errors.Forbidden("You see only some surveys and cannot have others told of.")
        named = set(body["surveys"] or [])
        if named - {row.id for row in Survey.select(Survey.id).where(Survey.id.in_(list(named)))}:
            raise errors.Refused("Names a survey that is not there.", "surveys")
    if "url" in body:
        try:
            telling.check_url(body["url"])
        except DeliveryFailed as error:
            # Unknown right now may be known later; private stays private.
            if not error.again:
                raise errors.Refused(f"Cannot be called: {error}.", "url") from None
