"""What comes in and goes out about members and the audit log."""

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from surveys import wording
from surveys.base.accounts.members import ROLES
from surveys.base.http.lists import PageArgs
from surveys.schemas.kinds import LONG, SHORT, Address, Moment, Stored, kept, text, time_zone


def _surveys(**options: Any) -> fields.List:
    return fields.List(text(100, 1), validate=validate.Length(max=1000), allow_none=True, **options)


def _zone() -> fields.String:
    told = "In which times are shown, and in whose morning digests come. Null: the setting TIME_ZONE."
    return fields.String(allow_none=True, validate=time_zone, metadata={"description": told})


class MemberBody(ma.Schema):
    """Somebody to be invited to the team."""

    example = {
        "email": "ann@acme.example",
        "name": "Ann Miller",
        "role": "editor",
        "surveys": None,
        "agent": None,
    }

    email = Address(required=True)
    name = text(SHORT, 1, allow_none=True, load_default=None)
    role = fields.String(required=True, validate=validate.OneOf(tuple(ROLES)))
    surveys = _surveys(load_default=None)
    agent = text(
        SHORT,
        1,
        allow_none=True,
        load_default=None,
        metadata={"description": "The id that your helpdesks know the member by."},
    )


class MemberPatch(ma.Schema):
    """What of a member is to be changed."""

    example = {"role": "viewer"}

    email = Address()
    name = text(SHORT, 1)
    role = fields.String(validate=validate.OneOf(tuple(ROLES)))
    surveys = _surveys()
    agent = text(SHORT, 1, allow_none=True)
    time_zone = _zone()


class MemberOut(Stored):
    """A member. `joined_at` is null until the invitation is taken up."""

    example: dict[str, Any] = {
        **MemberBody.example,
        "id": "mem_01k9z6w3m4v8h2q5t7x0c1d2",
        "second_factor": False,
        "time_zone": None,
        "created_at": "2026-11-20T09:30:00.000Z",
        "joined_at": None,
    }

    id = fields.String()
    email = fields.String()
    name = fields.String(allow_none=True)
    role = fields.String()
    surveys = fields.List(fields.String(), allow_none=True)
    agent = fields.String(allow_none=True)
    second_factor = fields.Boolean()
    time_zone = _zone()
    created_at = Moment()
    joined_at = Moment(allow_none=True)


class MemberInvited(MemberOut):
    """A new member with the link of the invitation, shown this once."""

    example = {**MemberOut.example, "url": "https://surveys.acme.example/team/welcome/…"}

    url = fields.String(metadata={"description": "Good once, for 72 hours."})


class MemberList(ma.Schema):
    """A page of members."""

    example = {"items": [MemberOut.example], "next": None}

    items = fields.List(fields.Nested(MemberOut))
    next = fields.String(allow_none=True)


class AuditQuery(PageArgs):
    """Which changes."""

    thing = text(200, 1, metadata={"description": "The id of what was changed, a person's too."})
    caller = text(100, 1, metadata={"description": "The id of the member or the key that changed it."})


class MemberRemoving(ma.Schema):
    """What becomes of what the member made."""

    keep_feeds = kept("saved views", "are paused")
    keep_webhooks = kept("webhooks", "are paused")
    keep_rules = kept("rules", "are paused")
    keep_digests = kept("digests", "are paused")


class AuditOut(Stored):
    """One change: who made it, by which route, of what, and the names of the fields that were sent."""

    example = {
        "id": "aud_01k9z6w3m4v8h2q5t7x0c1d2",
        "at": "2026-11-20T09:30:00.000Z",
        "caller": "Ann Miller",
        "caller_id": "mem_01k9z6w3m4v8h2q5t7x0c1d2",
        "action": "PATCH /api/surveys/{survey_id}",
        "thing": "sv_01k9z6w3m4v8h2q5t7x0c1d2",
        "fields": ["name"],
        "request_id": "9f2c4be1a07d3658",
    }

    id = fields.String()
    at = Moment()
    caller = fields.String()
    caller_id = fields.String(allow_none=True)
    action = fields.String()
    thing = fields.String(
        allow_none=True,
        metadata={
            "description": "An id; a keyed hash where it would lead to a person (`?thing=` finds it by the id), behind "
            "what the id begins with, as `fu:`."
        },
    )
    fields_ = fields.List(fields.String(), data_key="fields", attribute="fields")
    request_id = fields.String(allow_none=True)


class AuditList(ma.Schema):
    """A page of changes."""

    example = {"items": [AuditOut.example], "next": None}

    items = fields.List(fields.Nested(AuditOut))
    next = fields.String(allow_none=True)


class WelcomeForm(ma.Schema):
    """The form of an invitation. The password is judged where it is set."""

    name = text(SHORT, 1, required=True)
    email = Address(required=True)
    password = text(LONG, 1, required=True)


class ResetForm(ma.Schema):
    """A new password."""

    password = text(LONG, 1, required=True)


class SelfForm(ma.Schema):
    """How a member is called, and in which zone times are told."""

    name = text(SHORT, 1, required=True)
    time_zone = fields.String(allow_none=True, validate=time_zone)


class LanguageForm(ma.Schema):
    """The language in which a member reads; empty: that of the browser."""

    language = fields.String(required=True, validate=validate.OneOf(("", *wording.LANGUAGES)))
