"""API keys over the API."""

from typing import Any

from flask import g

from surveys import visible
from surveys.base import clock, errors
from surveys.base.accounts import keys
from surveys.base.accounts.keys import ApiKey
from surveys.base.http import lists
from surveys.base.http.bodies import Routes
from surveys.base.http.callers import needs
from surveys.base.http.replays import idempotent_secret
from surveys.models import Survey
from surveys.schemas.keys import KeyBody, KeyCreated, KeyList, KeyRevoking

routes = Routes("keys", __name__, url_prefix="/api/keys", description="Who may call the API.")


@routes.route("", methods=["GET"])
@needs("admin")
@routes.arguments(lists.PageArgs, location="query")
@routes.response(200, KeyList)
def index(query: dict[str, Any]) -> Any:
    """Keys in use, newest first, without their secrets, each with the views, webhooks, rules and digests it made."""
    found = visible.narrowed(ApiKey.select().where(ApiKey.revoked_at.is_null()), g.caller)
    rows, following = lists.newest_first(
        found, ApiKey.created_at, ApiKey.id, query.get("cursor"), query["limit"]
    )
    made = keys.made_with([row.id for row in rows])
    items = [{**row.__data__, **made[row.id]} for row in rows]
    return {"items": items, "next": following}


@routes.route("", methods=["POST"])
@needs("admin")
@idempotent_secret
@routes.arguments(KeyBody)
@routes.response(201, KeyCreated)
def create(body: dict[str, Any]) -> Any:
    """Make a key. The secret is shown this once."""
    key, secret = issue(body)
    return {**key.__data__, "key": secret}


def issue(body: dict[str, Any]) -> tuple[ApiKey, str]:
    """A new key and its secret. Raises Forbidden for more than the caller sees, Refused for an unknown survey."""
    # A key of no survey is not among what a limited one has either.
    if not visible.all_of(body["surveys"] or None, g.caller):
        raise errors.Forbidden("You see only some surveys and cannot give more.")
    known = {row.id for row in Survey.select(Survey.id).where(Survey.id.in_(body["surveys"] or []))}
    if body["surveys"] is not None and set(body["surveys"]) - known:
        raise errors.Refused("Names a survey that is not there.", "surveys")
    return keys.issue(body["name"], body["scopes"], body["surveys"], clock.now())


@routes.route("/<key_id>", methods=["DELETE"])
@needs("admin")
@routes.arguments(KeyRevoking, location="query")
@routes.response(204)
def delete(query: dict[str, Any], key_id: str) -> Any:
    """Revoke a key, at once and everywhere, and with it the views, webhooks, rules and digests that it made."""
    may = visible.all_of(None, g.caller)
    kept = [name.removeprefix("keep_") for name, value in query.items() if value == "1"]
    if not (may and keys.revoke(key_id, clock.now(), kept)):
        raise errors.Missing
