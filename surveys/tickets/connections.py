"""Connections: helpdesk accounts, the calls they make, and what has to be asked of them in return.

Senders of mail reports are connections too; what they say is read by `bounces`.
"""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import structlog

from surveys import helpdesks, links, triggers
from surveys.base import db, delivery, ids, jobs, versions
from surveys.base.delivery.message import DeliveryFailed
from surveys.base.errors import Clash
from surveys.helpdesks import HELPDESKS, helpdesk, reception
from surveys.helpdesks.helpdesk import Call, Challenge, Event, Ignored, Request, WriteBack
from surveys.models import Connection, Resolution, Trigger

log = structlog.get_logger()

#: The job that asks a helpdesk for the address an event lacks.
LOOK_UP = "look up"

#: The touchpoint of everything that helpdesks announce.
TOUCHPOINT = "ticket solved"

Unproven = reception.Unproven


def create(values: Mapping[str, Any], now: datetime) -> tuple[Connection, str | None]:
    """Make a connection; the secret when it was left out and had to be made, to be shown once."""
    fresh = None if values.get("secret") else new_secret(values["kind"])
    given = {"skip_tags": [], **values, "secret": values.get("secret") or fresh}

    def verb() -> Connection:
        made = Connection.create(id=ids.new("con"), created_at=now, **given)
        return Connection.get_by_id(made.id)

    return db.write(verb), fresh


def version(row: Connection) -> str:
    """What a connection is, in a few letters: it changes with whatever `change` changes."""
    return versions.of(
        row.name, row.survey_id, row.secret, row.proof, row.solved_statuses, row.skip_tags, row.write_back
    )


def change(connection: Connection, values: Mapping[str, Any], known: str | None = None) -> Connection:
    """Change a connection. `new_snippet_key`: every snippet printed so far is worthless at once.

    `known`: the version that the change was made from. Raises Clash where somebody changed it since.
    """
    given = dict(values)
    fresh_key = given.pop("new_snippet_key", False)

    def verb() -> Connection:
        query = Connection.select().where(Connection.id == connection.id)
        row: Connection = (query if db.on_sqlite() else query.for_update()).get()
        if known is not None and known != version(row):
            raise Clash("Somebody changed the connection meanwhile.")
        row.snippet_generation += fresh_key
        for name, value in given.items():
            setattr(row, name, value)
        # Nothing else: a secret that cannot be read at the moment must not be written over.
        row.save(only=[Connection._meta.fields[name] for name in (*given, "snippet_generation")])
        return row

    return db.write(verb)


def delete(connection: Connection) -> None:
    """Take no more calls. What it brought stays: receipts, invitations, answers."""

    def verb() -> None:
        Resolution.delete().where(Resolution.source == connection.id).execute()
        Connection.delete().where(Connection.id == connection.id).execute()

    db.write(verb)


def receive(connection: Connection, call: Call, now: datetime) -> Trigger | Challenge:
    """Read a helpdesk's call and decide about it: the kept receipt, or the answer the helpdesk expects instead.

    Nothing here waits for anybody: look-ups and notes are jobs. Raises Unproven.
    """
    told = reception.receive(call, view(connection), now)
    if isinstance(told, Challenge):
        return told
    if isinstance(told, Ignored):
        return triggers.ignore(connection.own_survey, _origin(connection), told.reason, now)
    origin = _origin(connection, told, call)
    if told.kind == "other":
        plain = _origin(connection)
        return triggers.ignore(connection.own_survey, plain, told.reason, now, told.ticket.id)
    if told.kind in ("reopened", "withdrawn"):
        reopened = told.kind == "reopened"
        return triggers.take_back(connection.own_survey, origin, told.ticket.id, told.reason, now, reopened)

    def verb() -> Trigger:
        trigger = triggers.receive(connection.own_survey, said(told), now, origin)
        if trigger.rule == "lookup":
            jobs.enqueue(LOOK_UP, {"trigger": trigger.id, "event": _as_json(told)}, now)
        return trigger

    return db.write(verb)


@jobs.on(LOOK_UP, lane=jobs.CALLS)
def look_up(payload: dict[str, Any], now: datetime) -> None:
    """Ask the helpdesk for the address that an event lacked, then decide. Tried again when it does not answer."""
    trigger = Trigger.get_or_none((Trigger.id == payload["trigger"]) & (Trigger.rule == "lookup"))
    connection = Connection.get_or_none(Connection.id == trigger.connection_id) if trigger else None
    if connection is None:
        return
    event = _from_json(payload["event"])
    asked = HELPDESKS[connection.kind].lookup(event, view(connection))
    if asked is not None:
        event = asked.complete(send(asked.request))
    triggers.complete(payload["trigger"], said(event), now, tuple(connection.skip_tags))


def send(request: Request) -> Any:
    """Make one call to a helpdesk; its JSON, or None when it says something else.

    A ticket that is gone or takes nothing any more (404, 410, 422) is no fault; every other refusal raises
    DeliveryFailed, and the job that called tries again (docs/promises.md, P4).
    """
    headers = dict(request.headers)
    if request.grant is not None:
        granted = send(request.grant)
        token = granted.get("access_token") if isinstance(granted, dict) else None
        if not token:
            raise DeliveryFailed("no access token", again=True)
        headers |= helpdesk.bearer(str(token))
    body = None
    if request.json is not None:
        body, headers["Content-Type"] = json.dumps(request.json).encode(), "application/json"
    elif request.form is not None:
        body = urlencode(request.form).encode()
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    answer = delivery.outbound().call(request.method, request.url, body, headers)
    if answer.status in (404, 410, 422):
        log.warning("the helpdesk takes nothing for this ticket", status=answer.status)
        return None
    if not 200 <= answer.status < 300:
        raise DeliveryFailed(f"status {answer.status}", again=True)
    try:
        return json.loads(answer.body)
    except ValueError:
        return None


def check_write_back(url: str) -> None:
    """Raise DeliveryFailed with `again` false when the address may not be called at all."""
    delivery.outbound().check(url)


def new_secret(kind: str) -> str:
    """A secret in the form that the sender's software expects."""
    if kind in ("generic", "dsn"):
        return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    return secrets.token_urlsafe(32)


def view(connection: Connection) -> helpdesk.Connection:
    """The connection as its adapter knows it."""
    back = connection.write_back
    return helpdesk.Connection(
        kind=connection.kind,
        secret=connection.secret,
        proof=connection.proof,
        solved_statuses=connection.solved_statuses,
        skip_tags=tuple(connection.skip_tags),
        write_back=WriteBack(**{name: value or "" for name, value in back.items()}) if back else None,
    )


def template(kind: str) -> str | None:
    """What is pasted into a helpdesk that sends what one writes; None for those that send what they like."""
    path = Path(helpdesks.__file__).with_name("templates") / f"{kind}.txt"
    return path.read_text() if kind in HELPDESKS and path.exists() else None


def example(connection: Connection) -> dict[str, Any]:
    """A solved ticket of an invented customer, as the connection's helpdesk would tell of it."""
    ticket: dict[str, Any] = {
        "id": "earshot-example",
        "number": "35436",
        "subject": "Refund for order 1042",
        "tags": [],
        "ref": None,
    }
    return {
        "person": {"email": "robin@example.com", "name": "Robin Vale", "language": None, "company": None},
        "touchpoint": TOUCHPOINT,
        "ticket": {**ticket, "url": None, "channel": "email", "resolution": ""},
        "agent": {"id": "21", "name": "Sam Ortiz", "email": None},
        "team": {"id": "2", "name": "Support"},
        "properties": None,
        "delay_minutes": None,
        "deliver": True,
        "on_block": "drop",
    }


def try_out(connection: Connection, now: datetime) -> Trigger:
    """What would be decided about `example`: a receipt of a dry run, which leaves no trace in any rule."""
    origin = triggers.Origin(
        connection.id, connection.id, skip_tags=tuple(connection.skip_tags), delivery=None, fingerprint=None
    )
    return triggers.receive(connection.own_survey, example(connection), now, origin, dry_run=True)


def url(connection: Connection) -> str:
    """Where the helpdesk posts to."""
    return links.connection(connection.id)


def said(event: Event) -> dict[str, Any]:
    """An event in the shape of a trigger over the API.

    A helpdesk's own number of a customer is left out: other systems count their customers alike.
    """
    ticket, customer = event.ticket, event.customer
    properties = {**event.properties, **({"brand": event.brand.name} if event.brand.name else {})}
    return {
        "person": {
            "email": customer.email,
            "name": customer.name,
            "language": customer.language,
            "company": customer.company,
        },
        "touchpoint": TOUCHPOINT,
        "ticket": {
            "id": ticket.id,
            "number": ticket.number,
            "subject": ticket.subject,
            "url": ticket.url,
            "tags": list(ticket.tags),
            "channel": ticket.channel,
            "resolution": ticket.resolution,
            "ref": ticket.ref,
        },
        "agent": {"id": event.agent.id, "name": event.agent.name, "email": event.agent.email},
        "team": {"id": event.team.id, "name": event.team.name},
        "properties": properties or None,
        "delay_minutes": None,
        "deliver": True,
        "on_block": "drop",
    }


# ------------------------------------------------------------------------------------------------------


def _origin(connection: Connection, event: Event | None = None, call: Call | None = None) -> triggers.Origin:
    lookup = HELPDESKS[connection.kind].lookup(event, view(connection)) if event else None
    return triggers.Origin(
        source=connection.id,
        connection_id=connection.id,
        skip_tags=tuple(connection.skip_tags),
        delivery=event.delivery if event else None,
        fingerprint=helpdesk.fingerprint(call) if call else None,
        can_look_up=lookup is not None,
    )


def _as_json(event: Event) -> dict[str, Any]:
    plain = asdict(event)
    solved_at = plain["ticket"]["solved_at"]
    plain["ticket"]["solved_at"] = solved_at.isoformat() if solved_at else None
    return plain


def _from_json(plain: dict[str, Any]) -> Event:
    ticket = dict(plain["ticket"])
    ticket["tags"] = tuple(ticket["tags"])
    ticket["solved_at"] = datetime.fromisoformat(ticket["solved_at"]) if ticket["solved_at"] else None
    return Event(
        **{
            **plain,
            "ticket": helpdesk.Ticket(**ticket),
            "customer": helpdesk.Customer(**plain["customer"]),
            "agent": helpdesk.Agent(**plain["agent"]),
            "team": helpdesk.Named(**plain["team"]),
            "brand": helpdesk.Named(**plain["brand"]),
            "needs_enrichment": tuple(plain["needs_enrichment"]),
        }
    )
