"""What comes in and goes out about helpdesk accounts and senders of reports about mail."""

import base64
from typing import Any
from urllib.parse import urlsplit

import marshmallow as ma
from marshmallow import fields, validate

from surveys import links
from surveys.helpdesks import HELPDESKS, reception
from surveys.helpdesks.helpdesk import Helpdesk
from surveys.mailreports import REPORTERS
from surveys.mailreports.report import Reporter
from surveys.schemas.kinds import LONG, SHORT, Moment, Pasted, Stored, Truth, check, language_tag, made, text

SHARED = reception.SHARED


class WriteBackBody(ma.Schema):
    """Credentials for the helpdesk's own API, as its page in docs/helpdesks says."""

    url = Pasted(LONG, allow_none=True)
    user = Pasted(SHORT, allow_none=True)
    token = Pasted(LONG, 1, load_only=True)

    @ma.validates("url")
    def _web(self, value: str | None, **_: Any) -> None:
        check(not value or urlsplit(value).scheme in ("http", "https"), "Must begin with https://.")


class ConnectionBody(ma.Schema):
    """A helpdesk account, or a sender of reports about mail (`dsn`, `ses`, `sendgrid`, `mailgun`, `postmark`).

    `secret` is the signing key as the sender uses it; left out, one is made where that is possible. Reports about
    mail concern every survey, so they have no `survey`, `solved_statuses`, `skip_tags` and `write_back`.
    """

    example: dict[str, Any] = {
        "name": "Support",
        "kind": "zendesk",
        "survey": "sv_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "secret": "the signing secret of the webhook",
    }

    id = fields.String(dump_only=True)
    name = text(SHORT, 1, required=True)
    kind = fields.String(required=True, validate=validate.OneOf((*HELPDESKS, *REPORTERS)))
    survey = text(100, 1)
    secret = Pasted(500, 8, load_only=True)
    proof = fields.String(allow_none=True)
    solved_statuses = fields.List(text(SHORT, 1), allow_none=True, validate=validate.Length(max=200))
    skip_tags = fields.List(text(SHORT, 1), validate=validate.Length(max=200))
    write_back = fields.Nested(WriteBackBody, allow_none=True)

    @ma.validates_schema(skip_on_field_errors=True)
    def _fits(self, data: dict[str, Any], **_: Any) -> None:
        if "kind" in data:
            check_connection(data)


def check_connection(data: dict[str, Any]) -> None:
    """Proof and secret must be ones that the sender can use. Raises ValidationError."""
    known = (*_sender(data["kind"]).PROOFS, SHARED)
    if data.get("proof") is not None and data["proof"] not in known:
        raise ma.ValidationError({"proof": [f"Must be one of: {', '.join(known)}."]})
    if data["kind"] in REPORTERS:
        _check_reporter(data)
    elif not data.get("survey"):
        raise ma.ValidationError({"survey": ["Missing data for required field."]})
    secret = data.get("secret") or ""
    if data["kind"] == "generic" and secret.startswith("whsec_"):
        try:
            encoded = secret.removeprefix("whsec_").rstrip("=")
            base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        except ValueError:
            raise ma.ValidationError({"secret": ["What follows whsec_ must be base64."]}) from None


def _check_reporter(data: dict[str, Any]) -> None:
    for name in ("survey", "solved_statuses", "skip_tags", "write_back"):
        if data.get(name):
            raise ma.ValidationError(
                {name: ["Belongs to helpdesks; reports about mail concern every survey."]}
            )
    if (data.get("proof") or REPORTERS[data["kind"]].PROOF) != SHARED:
        problem = REPORTERS[data["kind"]].problem(data.get("secret"))
        if problem:
            raise ma.ValidationError({"secret": [problem]})


def _sender(kind: str) -> Helpdesk | Reporter:
    return HELPDESKS[kind] if kind in HELPDESKS else REPORTERS[kind]


class ConnectionOut(Stored):
    """A connection without its secret and its token."""

    id = fields.String()
    name = fields.String()
    kind = fields.String()
    survey = fields.String(attribute="survey_id", allow_none=True)
    url = made(fields.String(), lambda row: links.connection(row.id))
    proof = made(fields.String(), lambda row: row.proof or _sender(row.kind).PROOF)
    solved_statuses = fields.List(fields.String(), allow_none=True)
    skip_tags = fields.List(fields.String())
    write_back = fields.Nested(WriteBackBody, allow_none=True)
    created_at = Moment()


class ConnectionCreated(ConnectionOut):
    """A new connection, with its secret when we made it, shown this once."""

    secret = fields.String(attribute="made_secret")


class ConnectionPatch(ConnectionBody):
    """What is to change; everything else stays, the kind always."""

    example = {"skip_tags": ["no_survey"]}

    def __init__(self, **options: Any) -> None:
        super().__init__(partial=True, exclude=("kind",), **options)

    new_snippet_key = Truth(
        metadata={"description": "true: every rating link printed so far is worthless at once."}
    )


class ConnectionList(ma.Schema):
    """A page of connections."""

    items = fields.List(fields.Nested(ConnectionOut))
    next = fields.String(allow_none=True)


class MailReport(ma.Schema):
    """What came of one report about a mail. `decision`: suppressed, unsubscribed, confirmed, ignored or accepted.

    Of many reports in one call the first are acted on at once; the others are accepted and acted on in a moment.
    """

    decision = fields.String()
    reason = fields.String()
    invitation = fields.String(allow_none=True)


class MailReceipt(ma.Schema):
    """What came of the reports in one call."""

    reports = fields.List(fields.Nested(MailReport))


class PrintedSnippetQuery(ma.Schema):
    """What the helpdesk prints for ticket and agent, where it is not known to us."""

    lang = fields.String(validate=language_tag)
    ticket = text(SHORT, 1)
    agent = text(SHORT, 1)


class PrintedSnippet(ma.Schema):
    """What to paste into signatures and closing mails."""

    html = fields.String()
    score_urls = fields.Dict(keys=fields.String(), values=fields.String())
