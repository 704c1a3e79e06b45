"""/in/{connection}: the webhooks of helpdesks and of mail services; /l/…: the rating links that helpdesks print."""

from typing import Any

from flask import Response, jsonify, redirect, request

from surveys import links
from surveys.base import clock, errors
from surveys.base.delivery.message import DeliveryFailed
from surveys.base.http import bodies
from surveys.base.http.bodies import Routes
from surveys.base.http.problems import Problem
from surveys.helpdesks import reading
from surveys.helpdesks.helpdesk import Call, Challenge
from surveys.mail import bounces
from surveys.mailreports import REPORTERS
from surveys.models import Connection
from surveys.schemas.connections import MailReceipt
from surveys.schemas.triggers import HelpdeskReceipt
from surveys.tickets import connections, printed_links
from surveys.views import public, triggers

routes = Routes("inbox", __name__, description="For helpdesks and mail services: each call proves itself.")

#: When a sender whose signature could not be checked may try again.
RETRY_SECONDS = 60


@routes.route("/in/<connection_id>", methods=["GET", "POST"])
@routes.doc(
    responses={
        "200": {
            "description": "The receipt, without links, or what the sender expects to a challenge.",
            "content": {
                "application/json": {"schema": {"anyOf": [HelpdeskReceipt, MailReceipt]}},
                "text/plain": {"schema": {"type": "string"}},
            },
        },
        "401": {"description": "Not proved to come from this connection's sender. No body."},
        "503": {"description": "The certificate of the signature cannot be fetched now."},
    }
)
def receive(connection_id: str) -> Any:
    """A webhook of a helpdesk or mail service, or a raw mail report. The raw bytes are proved before they are read."""
    connection = Connection.get_or_none(Connection.id == connection_id)
    if connection is None:
        raise errors.Missing
    body = bodies.body_bytes(bodies.API_BODY)
    call = Call.of(request.method, dict(request.headers), body, request.args.to_dict(flat=False))
    if connection.kind in REPORTERS:
        return _receive_reports(connection, call)
    try:
        told = connections.receive(connection, call, clock.now())
    except connections.Unproven:
        return _bare(401)
    if isinstance(told, Challenge):
        answer = Response(told.body, told.status, dict(told.headers), content_type=told.content_type)
        answer.headers["Cache-Control"] = "no-store"
        return answer
    return jsonify(HelpdeskReceipt().dump(triggers.shown(told)))


def _receive_reports(connection: Connection, call: Call) -> Any:
    try:
        outcomes = bounces.receive(connection, call, clock.now())
    except bounces.Unproven:
        return _bare(401)
    except DeliveryFailed as error:
        raise Problem(
            503,
            f"The signature cannot be checked now ({error}).",
            headers={"Retry-After": str(RETRY_SECONDS)},
        ) from None
    return jsonify(MailReceipt().dump({"reports": outcomes}))


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
        raise errors.Missing
    printed_links.check(connection, survey_id, score, given["k"], given["n"], given["m"])
    names = given["n"].split(",")
    ticket = reading.ident(given["t"]) if "t" in names else None
    agent = reading.line(given["a"]) if "a" in names else None
    if ticket is None:
        # Nothing ties the answer to a ticket: it is like one through any other link.
        address = links.survey_page(survey_id, score=score)
    else:
        address = links.invitation(printed_links.land(connection, ticket, agent, clock.now()).id, score)
    answer = redirect(address)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def _bare(status: int) -> Response:
    answer = Response(b"", status)
    del answer.headers["Content-Type"]
    return answer
