"""What helpdesks say when a ticket is solved, and the receipts they get."""

from collections.abc import Callable
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from surveys.base.http import lists
from surveys.helpdesks import reading
from surveys.schemas.kinds import (
    LONG,
    SHORT,
    Language,
    Moment,
    Number,
    Properties,
    Stored,
    Truth,
    check,
    free,
    text,
    whole,
)


class Said(fields.String):
    """A value another system fills in: cleaned to one safe line; an unrendered placeholder is nothing said.

    `clean`: what reads it; null when nothing is left.
    """

    def __init__(self, clean: Callable[[Any], str | None] = reading.line, **options: Any) -> None:
        super().__init__(allow_none=True, **options)
        self.clean = clean

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        # Ids come as numbers from some systems; anything else that is no text is refused by the field.
        whole_number = type(value) is int
        found = super()._deserialize(str(value) if whole_number else value, attr, data, **kwargs)
        check(not found or len(found) <= LONG, f"Must not be longer than {LONG}.")
        return self.clean(found) if found else None


class SaidAddress(Said):
    """An e-mail address; what is neither one nor an unrendered placeholder is refused."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        found = super()._deserialize(value, attr, data, **kwargs)
        given = reading.line(value)
        check(found or not given or reading.PLACEHOLDER.search(given), "Is not an e-mail address.")
        return found


class PersonSaid(ma.Schema):
    """Whom to ask. `properties.time_zone`, an IANA name, says in which zone a send window holds."""

    email = SaidAddress(reading.email)
    id = Said(reading.ident)
    name = Said()
    language = Language(allow_none=True)
    company = Said()
    properties = Properties(allow_none=True)


class TicketSaid(ma.Schema):
    """The ticket as it is at this moment."""

    id = Said(reading.ident)
    number = Said(reading.ident)
    subject = Said()
    url = Said(reading.url)
    tags = fields.List(text(SHORT), validate=validate.Length(max=200), allow_none=True)
    channel = Said(reading.channel)
    solved_at = Moment(allow_none=True)

    @ma.post_load
    def _tidy(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        solved_at = data.pop("solved_at", None)
        data["resolution"] = reading.resolution(solved_at)
        data["tags"] = list(reading.tags(data.get("tags")))
        return data


class AgentSaid(ma.Schema):
    """Who is credited."""

    id = Said(reading.ident)
    name = Said()
    email = Said(reading.email)


class TeamSaid(ma.Schema):
    """Their team."""

    id = Said(reading.ident)
    name = Said()


class TriggerBody(ma.Schema):
    """Something happened at a touchpoint; whom do we ask?"""

    example = {
        "survey": "sv_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "person": {"email": "robin@example.com", "name": "Robin Vale", "language": "fr"},
        "touchpoint": "ticket solved",
        "ticket": {"id": "35436", "subject": "Refund for order 1042", "channel": "email"},
        "agent": {"id": "21", "name": "Sam Ortiz"},
        "delay_minutes": 60,
    }

    survey = text(100, 1, required=True)
    person = fields.Nested(PersonSaid, allow_none=True, load_default=None)
    touchpoint = Said(load_default=None)
    ticket = fields.Nested(TicketSaid, allow_none=True, load_default=None)
    agent = fields.Nested(AgentSaid, allow_none=True, load_default=None)
    team = fields.Nested(TeamSaid, allow_none=True, load_default=None)
    properties = Properties(allow_none=True, load_default=None)
    delay_minutes = whole(0, 525_600, allow_none=True, load_default=None)
    deliver = Truth(
        load_default=True,
        metadata={"description": "false: no mail is sent; the receipt's links are yours to deliver."},
    )
    dry_run = Truth(
        load_default=False,
        metadata={"description": "true: only decide and say why; nobody is asked, nor counts as asked."},
    )
    on_block = fields.String(
        validate=validate.OneOf(("drop", "defer")),
        load_default="drop",
        metadata={
            "description": "When a rule refuses: `drop` asks nobody, `defer` asks at `next_eligible_at`, if given."
        },
    )


class BareInvitation(ma.Schema):
    """What was made."""

    id = fields.String()
    send_at = Moment()


class InvitationLinks(BareInvitation):
    """What was made, and its links."""

    url = fields.String()
    score_urls = fields.Dict(keys=fields.String(), values=fields.String())


class Receipt(ma.Schema):
    """What was decided, and why."""

    id = fields.String()
    decision = fields.String()
    rule = fields.String(allow_none=True)
    reason = fields.String(allow_none=True)
    next_eligible_at = Moment(allow_none=True)
    invitation = fields.Nested(InvitationLinks, allow_none=True)
    dry_run = fields.Boolean()


class HelpdeskReceipt(Receipt):
    """A receipt without links: helpdesks keep it in logs that agents read, and whoever has a link can rate."""

    invitation = fields.Nested(BareInvitation, allow_none=True)


class StoredReceipt(Stored, Receipt):
    """A receipt as it is kept, with what was understood."""

    survey = fields.String(attribute="survey_id")
    connection = fields.String(attribute="connection_id", allow_none=True)
    person = fields.String(attribute="person_id", allow_none=True)
    body = free("What was understood, without what nobody needs any more.", allow_none=True)
    delivery = fields.String(allow_none=True)
    created_at = Moment()


class ReceiptList(ma.Schema):
    """A page of receipts."""

    items = fields.List(fields.Nested(StoredReceipt))
    next = fields.String(allow_none=True)


DECISIONS = ("scheduled", "deferred", "suppressed", "sampled_out", "duplicate", "ignored")


class TriggerQuery(lists.PageArgs):
    """Which receipts."""

    survey = text(100, 1)
    connection = text(100, 1)
    decision = fields.String(validate=validate.OneOf(DECISIONS))
    rule = text(100, 1)
    ticket = text(SHORT, 1)
    since = Moment()
    until = Moment()


class ChangedRules(ma.Schema):
    """Rules as they might be; what is left out stays as the survey has it."""

    quarantine_days = whole(0, 3650)
    wait_after_answer_days = whole(0, 3650)
    wait_after_decline_days = whole(0, 3650)
    priority = whole(-1000, 1000)
    sampling = Number(validate=validate.Range(0, 1))
    person_budget = whole(0, 1000, allow_none=True)
    company_budget = whole(0, 100_000, allow_none=True)
    skip_tags = fields.List(text(SHORT, 1), validate=validate.Length(max=200))
    staff_domains = fields.List(text(253, 1), validate=validate.Length(max=200))
    excluded_addresses = fields.List(text(254, 1), validate=validate.Length(max=1000))


class BacktestBody(ma.Schema):
    """Replay what happened in a period under other rules."""

    example = {
        "survey": "sv_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "since": "2026-09-01T00:00:00Z",
        "rules": {"quarantine_days": 7},
    }

    survey = text(100, 1, required=True)
    since = Moment(required=True)
    until = Moment(allow_none=True, load_default=None)
    rules = fields.Nested(ChangedRules, load_default=dict)

    @ma.validates_schema
    def _in_order(self, data: dict[str, Any], **_: Any) -> None:
        if data["until"] and data["until"] <= data["since"]:
            raise ma.ValidationError({"until": ["Must be after since."]})


class BacktestOut(ma.Schema):
    """How many would have been asked, and how many each rule would have refused."""

    triggers = fields.Integer()
    asked = fields.Integer()
    by_rule = fields.Dict(keys=fields.String(), values=fields.Integer())
    was = fields.Nested(
        ma.Schema.from_dict(
            {
                "asked": fields.Integer(),
                "by_rule": fields.Dict(keys=fields.String(), values=fields.Integer()),
            },
            name="BacktestWas",
        ),
        metadata={"description": "What was decided at the time."},
    )
