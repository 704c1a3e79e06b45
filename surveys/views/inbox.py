"""/in/{connection}: helpdesks' own webhooks; /l/…: the rating links that helpdesks print."""

from typing import Any

from flask import Response, jsonify, redirect, request

from surveys import connections, links, snippets
from surveys.base import clock, web
from surveys.base.web import Routes
from surveys.helpdesks import reading
from surveys.helpdesks.helpdesk import Call, Challenge
from surveys.models import Connection
from surveys.schemas.triggers import Receipt
from surveys.views import public, triggers

routes = Routes("inbox", __name__, description="For helpdesks: each call proves itself.")


@routes.route("/in/<connection_id>", methods=["GET", "POST"])
@routes.doc(
    responses={
        "200": {"description": "The receipt, or what the helpdesk expects to a challenge."},
        "401": {"description": "Not proved to come from this connection's helpdesk. No body."},
    }
)
def receive(connection_id: str) -> Any:
    """A helpdesk's webhook (a challenge as GET or HEAD). The raw bytes prove themselves before they are read."""
    connection = Connection.get_or_none(Connection.id == connection_id)
    if connection is None:
        raise web.not_found()
    body = web.body_bytes(web.API_BODY)
    call = Call.of(request.method, dict(request.headers), body, request.args.to_dict(flat=False))
    try:
        told = connections.receive(connection, call, clock.now())
    except connections.Unproven:
        return _bare(401)
    if isinstance(told, Challenge):
        answer = Response(told.body, told.status, dict(told.headers), content_type=told.content_type)
        answer.headers["Cache-Control"] = "no-store"
        return answer
    return jsonify(Receipt().dump(triggers.shown(told)))


@routes.route("/l/<connection_id>/<survey_id>/<score>", methods=["GET"])
@routes.doc(
    parameters=[
        {"in": "query", "name": name, "schema": {"type": "string"}, "description": what}
        for name, what in (
            ("t", "The ticket, as the helpdesk printed it."),
            ("a", "The agent, as the helpdesk printed it."),
            ("k", "The key."),
            ("n", "The names of what the helpdesk fills in."),
            ("m", "Our signature."),
        )
    ],
    responses={
        "302": {"description": "To the survey's page, with the score preselected. Nothing is counted."}
    },
)
def land(connection_id: str, survey_id: str, score: str) -> Any:
    """A printed rating link: goes on to the survey's page. Never counts a score by itself."""
    public.limit()
    connection = Connection.get_or_none(Connection.id == connection_id)
    given = {name: request.args.get(name, "") for name in ("t", "a", "k", "n", "m")}
    if connection is None:
        raise web.not_found()
    try:
        snippets.check(connection, survey_id, score, given["k"], given["n"], given["m"])
    except snippets.Forged:
        raise web.not_found() from None
    names = given["n"].split(",")
    ticket = reading.ident(given["t"]) if "t" in names else None
    agent = reading.line(given["a"]) if "a" in names else None
    if ticket is None:
        # Nothing ties the answer to a ticket: it is like one through any other link.
        address = links.survey_page(survey_id, score=score)
    else:
        address = links.invitation(snippets.land(connection, ticket, agent, clock.now()).id, score)
    answer = redirect(address)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def _bare(status: int) -> Response:
    answer = Response(b"", status)
    del answer.headers["Content-Type"]
    return answer
