"""What comes in and goes out about people."""

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from surveys.base.http import lists
from surveys.schemas.kinds import SHORT, Address, Language, Moment, Properties, Stored, free, made, text


class PersonBody(ma.Schema):
    """Somebody who may be asked, as a caller describes them. `id` is the caller's own, as in triggers."""

    example = {"id": "cust-881", "email": "robin@example.com", "name": "Robin Vale", "language": "fr"}

    id = text(SHORT, 1)
    email = Address()
    name = text(SHORT, allow_none=True)
    language = Language(allow_none=True)
    company = text(SHORT, allow_none=True)
    properties = Properties(allow_none=True)

    @ma.validates_schema
    def _findable(self, data: dict[str, Any], **_: Any) -> None:
        if not data.get("id") and not data.get("email"):
            raise ma.ValidationError({"email": ["Give an email or an id."]})


class PersonPatch(ma.Schema):
    """What is to change of a person; everything else stays."""

    example = {"name": "Robin Vale", "company": "Example Co"}

    external_id = text(SHORT, 1, allow_none=True)
    email = Address(allow_none=True)
    name = text(SHORT, allow_none=True)
    language = Language(allow_none=True)
    company = text(SHORT, allow_none=True)
    properties = Properties(allow_none=True)
    bounced_at = fields.Raw(
        allow_none=True,
        validate=validate.Equal(None, error="Can only be null: mail arrives after all."),
        metadata={
            "description": "null: mail arrives after all, so this person may be asked again.",
        },
    )


class PersonOut(Stored):
    """A person. `external_id` is the caller's own id; `verified` is false for an unsigned claim."""

    id = fields.String()
    external_id = fields.String(allow_none=True)
    email = made(fields.String(allow_none=True), lambda person: person.shown_email)
    email_claimed = fields.Boolean(
        metadata={"description": "true: nobody vouches for the address; mail never goes there."}
    )
    name = fields.String(allow_none=True)
    language = fields.String(allow_none=True)
    company = fields.String(allow_none=True)
    properties = made(free("What was said of the person."), lambda person: person.properties or {})
    verified = fields.Boolean()
    last_asked_at = Moment(allow_none=True)
    last_answered_at = Moment(allow_none=True)
    unsubscribed_at = Moment(allow_none=True)
    bounced_at = Moment(allow_none=True)
    created_at = Moment()


class PersonList(ma.Schema):
    """A page of people."""

    items = fields.List(fields.Nested(PersonOut))
    next = fields.String(allow_none=True)


class PersonQuery(lists.PageArgs):
    """Which people."""

    email = fields.String(validate=validate.Length(1, 254))
    id = fields.String(validate=validate.Length(1, SHORT), metadata={"description": "Ours or yours."})


class PersonExport(ma.Schema):
    """All that is kept about one person, by table."""

    people = fields.List(fields.String())
    exported_at = fields.String()
    tables = fields.Dict(keys=fields.String(), values=fields.List(free("A row, by column.")))
