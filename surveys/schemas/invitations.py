"""What goes out about invitations."""

import marshmallow as ma
from marshmallow import fields, validate

from surveys.base.http import lists
from surveys.schemas.kinds import Moment, NamedOut, Stored, TicketOut, free, made, text


class Intent(ma.Schema):
    """A score that was chosen by a link."""

    score = fields.Integer()
    at = fields.String(metadata={"format": "date-time"})
    count = fields.Integer()


class InvitationOut(Stored):
    """An invitation as it stands, with agent, team and ticket as they were frozen."""

    id = fields.String()
    survey = fields.String(attribute="survey_id")
    person = fields.String(attribute="person_id", allow_none=True)
    connection = fields.String(attribute="connection_id", allow_none=True)
    channel = fields.String()
    status = fields.String()
    reason = fields.String(allow_none=True)
    touchpoint = fields.String(allow_none=True)
    language = fields.String(allow_none=True)
    agent = made(fields.Nested(NamedOut, allow_none=True), lambda row: _named(row.agent_id, row.agent_name))
    team = made(fields.Nested(NamedOut, allow_none=True), lambda row: _named(row.team_id, row.team_name))
    ticket = fields.Nested(TicketOut, allow_none=True)
    tags = made(fields.List(fields.String()), lambda row: row.tags or [])
    properties = made(free("What was said of the moment."), lambda row: row.properties or {})
    intents = made(
        fields.List(
            fields.Nested(Intent),
            metadata={"description": "Scores chosen by a link and not confirmed by anybody."},
        ),
        lambda row: [] if row.answered_at else row.intents or [],
    )
    scanned = fields.Boolean(
        metadata={"description": "A machine opened its links; its intents mean nothing."}
    )
    unverified = fields.Boolean()
    send_at = Moment(allow_none=True)
    sent_at = Moment(allow_none=True)
    reminded_at = Moment(allow_none=True)
    answered_at = Moment(allow_none=True)
    declined_at = Moment(allow_none=True)
    expires_at = Moment(allow_none=True)
    created_at = Moment()


def _named(id_: str | None, name: str | None) -> dict[str, str | None] | None:
    return {"id": id_, "name": name} if id_ or name else None


class InvitationList(ma.Schema):
    """A page of invitations."""

    items = fields.List(fields.Nested(InvitationOut))
    next = fields.String(allow_none=True)


INVITATION_STATUSES = (
    *("scheduled", "sending", "sent", "unknown", "answered", "declined", "expired", "cancelled", "failed"),
)


class InvitationQuery(lists.PageArgs):
    """Which invitations."""

    survey = text(100, 1)
    person = text(100, 1)
    status = fields.String(validate=validate.OneOf(INVITATION_STATUSES))
