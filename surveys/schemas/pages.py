"""The forms of the pages that respondents meet."""

import re
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from surveys.base.http import bodies
from surveys.schemas.kinds import SHORT, WRITTEN, text

_CHOICE = re.compile(r"choice_[0-9]{1,2}")


def acted() -> fields.String:
    """The mark of a page's script; without a script there is none."""
    return fields.String(
        load_default=None,
        metadata={"description": "Empty: the page's script saw nobody act, so another script sent the form."},
    )


def token() -> fields.String:
    """What the page at a secret address puts into its forms."""
    return fields.String(
        load_default="",
        validate=validate.Length(max=SHORT),
        metadata={"description": "The page's hidden token."},
    )


class PageForm(ma.Schema):
    """The form of the hosted survey page. Fields that browsers and their extensions add are left out."""

    body_limit = bodies.PUBLIC_BODY
    types = ("multipart/form-data", "application/x-www-form-urlencoded")

    class Meta:
        unknown = ma.EXCLUDE

    form = fields.String(load_default="", metadata={"description": "The page's hidden token."})
    score = fields.String(load_default="", metadata={"description": "A whole number of the survey's scale."})
    comment = text(WRITTEN, metadata={"description": "May follow later."})
    choices = fields.List(
        text(SHORT),
        load_default=list,
        metadata={"description": "What was chosen for the follow-up, in fields `choice_0`, `choice_1` …"},
    )
    contact_asked = fields.String(
        load_default="",
        metadata={"description": "`1`: the form asked whether we may write; no box means no."},
    )
    contact_reply = fields.String(load_default="", metadata={"description": "Ticked: you may answer me."})
    contact_news = fields.String(load_default="", metadata={"description": "Ticked: tell me what changes."})
    homepage = fields.String(load_default="", metadata={"description": "Left empty by people."})
    acted = acted()

    @ma.pre_load
    def _gather(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        # A form is read as one text for each name, so each choice has a name of its own.
        return {**data, "choices": [data[name] for name in data if _CHOICE.fullmatch(name)]}

    @ma.post_load
    def _tidy(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if "comment" in data:
            # Forms send line ends as CR LF (HTML, "constructing the entry list").
            data["comment"] = data["comment"].replace("\r\n", "\n").strip()
        return data


class UnsubscribeForm(ma.Schema):
    """What a mail program sends for one click (RFC 8058), and the button of our own page."""

    body_limit = bodies.PUBLIC_BODY
    types = ("multipart/form-data", "application/x-www-form-urlencoded")

    class Meta:
        unknown = ma.EXCLUDE

    list_unsubscribe = fields.String(data_key="List-Unsubscribe", validate=validate.OneOf(("One-Click",)))
    again = fields.String(
        load_default=None,
        validate=validate.OneOf(("1",)),
        metadata={"description": "`1` takes it back: mail surveys may be sent again."},
    )
    acted = acted()

    @ma.validates_schema
    def _says_which(self, data: dict[str, Any], **_: Any) -> None:
        if not data.get("list_unsubscribe") and not data.get("again"):
            raise ma.ValidationError({"List-Unsubscribe": ["Must be One-Click, or again must be 1."]})


class MyForm(ma.Schema):
    """One of the forms of a respondent's own page."""

    body_limit = bodies.PUBLIC_BODY
    types = ("multipart/form-data", "application/x-www-form-urlencoded")

    class Meta:
        unknown = ma.EXCLUDE

    do = fields.String(
        required=True, validate=validate.OneOf(("edit", "delete", "frequency", "again", "contact", "solved"))
    )
    response = fields.String(load_default="", metadata={"description": "Which answer."})
    score = fields.String(load_default="", metadata={"description": "A whole number of the survey's scale."})
    comment = text(WRITTEN)
    contact_reply = fields.String(load_default="", metadata={"description": "Ticked: you may answer me."})
    contact_news = fields.String(load_default="", metadata={"description": "Ticked: tell me what changes."})
    frequency = fields.String(validate=validate.OneOf(("normal", "quarter", "never")))
    answer = fields.String(load_default="", metadata={"description": "Is it solved: `fixed` or `not_yet`."})
    acted = acted()
    token = token()

    @ma.validates_schema
    def _whole(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("do") == "frequency" and "frequency" not in data:
            raise ma.ValidationError({"frequency": ["Say how often."]})

    @ma.post_load
    def _tidy(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if "comment" in data:
            data["comment"] = data["comment"].replace("\r\n", "\n").strip()
        return data
