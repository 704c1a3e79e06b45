"""Connections over the API: who may tell us of solved tickets, and of mail that did not arrive."""

from types import SimpleNamespace
from typing import Any

from flask import g

from surveys import texts, visible
from surveys.base import clock, errors
from surveys.base.delivery.message import DeliveryFailed
from surveys.base.http import lists
from surveys.base.http.bodies import Routes
from surveys.base.http.callers import needs
from surveys.base.http.replays import idempotent_secret
from surveys.mailreports import REPORTERS
from surveys.models import Connection, Survey
from surveys.schemas.connections import (
    ConnectionBody,
    ConnectionCreated,
    ConnectionList,
    ConnectionOut,
    ConnectionPatch,
    PrintedSnippet,
    PrintedSnippetQuery,
    check_connection,
)
from surveys.tickets import connections, printed_links

routes = Routes(
    "connections",
    __name__,
    url_prefix="/api/connections",
    description="Helpdesk accounts that tell us of solved tickets; mail services that tell us of bounces.",
)


@routes.route("", methods=["GET"])
@needs("write")
@routes.arguments(lists.PageArgs, location="query")
@routes.response(200, ConnectionList)
def index(query: dict[str, Any]) -> Any:
    """Connections, newest first, without their secrets."""
    rows, following = lists.newest_first(
        visible.narrowed(Connection.select(), g.caller),
        Connection.created_at,
        Connection.id,
        query.get("cursor"),
        query["limit"],
    )
    return {"items": rows, "next": following}


@routes.route("", methods=["POST"])
@needs("write")
@idempotent_secret
@routes.arguments(ConnectionBody)
@routes.response(201, ConnectionCreated)
def create(body: dict[str, Any]) -> Any:
    """Connect a helpdesk or a sender of mail reports. A secret that was left out is made, and shown this once."""
    if body["kind"] in REPORTERS:
        visible.demand_all(g.caller, "You see only some surveys; reports about mail concern all.")
    check(body)
    connection, secret = connections.create(body, clock.now())
    # The row's own secret is never shown, only one that was made here.
    made = {"made_secret": secret} if secret else {}
    return SimpleNamespace(**connection.__data__, survey_id=connection.survey_id, **made)


@routes.route("/<connection_id>", methods=["GET"])
@needs("write")
@routes.response(200, ConnectionOut)
def show(connection_id: str) -> Any:
    """One connection."""
    return visible.own(Connection, connection_id, g.caller)


@routes.route("/<connection_id>", methods=["PATCH"])
@needs("write")
@routes.arguments(ConnectionPatch)
@routes.response(200, ConnectionOut)
def change(body: dict[str, Any], connection_id: str) -> Any:
    """Change a connection; its kind stays."""
    row = visible.own(Connection, connection_id, g.caller)
    known = {"kind": row.kind, "survey": row.survey_id, "secret": row.secret, "proof": row.proof}
    check_connection(known | body)
    check(body)
    return connections.change(row, body)


@routes.route("/<connection_id>", methods=["DELETE"])
@needs("write")
@routes.response(204)
def delete(connection_id: str) -> Any:
    """Take no more calls. Receipts, invitations and answers stay."""
    connections.delete(visible.own(Connection, connection_id, g.caller))


@routes.route("/<connection_id>/snippet", methods=["GET"])
@needs("write")
@routes.arguments(PrintedSnippetQuery, location="query")
@routes.response(200, PrintedSnippet)
def snippet(query: dict[str, Any], connection_id: str) -> Any:
    """Rating links for agents' signatures and closing mails, with this helpdesk's own placeholders."""
    row = visible.own(Connection, connection_id, g.caller)
    if row.survey_id is None:
        raise errors.Missing
    known = printed_links.PLACEHOLDERS.get(row.kind, {})
    placeholders = {
        "t": query.get("ticket") or known.get("t", ""),
        "a": query.get("agent") or known.get("a", ""),
    }
    language = texts.language_for(row.own_survey, [query["lang"]] if query.get("lang") else [])
    made = printed_links.make(row, language, placeholders)
    return {"html": made.html, "score_urls": made.score_urls}


def check(body: dict[str, Any]) -> None:
    """The survey must be one that the caller sees, and the helpdesk one that may be called. Raises Refused."""
    if "survey" in body:
        visible.own(Survey, body["survey"], g.caller, field="survey")
    url = (body.get("write_back") or {}).get("url")
    if url:
        try:
            connections.check_write_back(url)
        except DeliveryFailed as error:
            # Unknown right now may be known later; private stays private.
            if not error.again:
                raise errors.Refused(f"Cannot be called: {error}.", "write_back.url") from None
