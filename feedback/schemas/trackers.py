"""Issue trackers, and the issue of a topic in one of them."""

import re
from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from feedback import issues
from feedback.models import IssueEvent, Topic, TopicIssue
from feedback.trackers import TRACKERS
from surveys import links
from surveys.schemas.kinds import LINE, LONG, SHORT, Moment, Pasted, Stored, Truth, check, made, text

#: What names the place in some tracker, each once.
PLACE = tuple(dict.fromkeys(field.name for tracker in TRACKERS.values() for field in tracker.FIELDS))

#: How far an issue is, as others are told: that a call is under way is nobody's matter.
STATES = {issues.WANTED: "making", issues.TRYING: "making"} | {
    state: state for state in issues.STATES if state not in (issues.WANTED, issues.TRYING)
}

#: What a header carries, and all that vendors' tokens are made of.
_TOKEN = validate.Regexp(r"[\x21-\x7e]+\Z", error="Must be of letters, digits and signs, without blanks.")


def _place(name: str) -> Pasted:
    kinds = [tracker.NAME for tracker in TRACKERS.values() if name in [each.name for each in tracker.FIELDS]]
    return Pasted(500, metadata={"description": f"For {', '.join(kinds)}."})


class TrackerBody(ma.Schema):
    """A place in an issue tracker: a repository of GitHub, a project of Jira, a team of Linear.

    `token` is what it is called with; Jira also needs `user`, the e-mail address that the token belongs to. `secret`
    proves its webhooks: left out, one is made and shown once, but for Linear, which makes it itself and shows it beside
    the webhook.
    """

    example: dict[str, Any] = {
        "name": "Shop",
        "kind": "github",
        "repository": "acme/shop",
        "token": "github_pat_11AAAAAAA0000000000000",
    }

    name = text(SHORT, 1, required=True)
    kind = fields.String(required=True, validate=validate.OneOf(tuple(TRACKERS)))
    repository = _place("repository")
    project = _place("project")
    issue_type = _place("issue_type")
    team = _place("team")
    url = _place("url")
    user = Pasted(SHORT, metadata={"description": "For Jira."})
    token = Pasted(LONG, 1, load_only=True, required=True)
    secret = Pasted(500, 8, load_only=True)

    @ma.validates("token")
    def _fits_a_header(self, value: str, **_: Any) -> None:
        _TOKEN(value)

    @ma.validates_schema(skip_on_field_errors=True)
    def _fits(self, data: dict[str, Any], **_: Any) -> None:
        if "kind" in data:
            check_tracker(data)


def check_tracker(data: Mapping[str, Any]) -> None:
    """What names the place must be what the kind of tracker has. Raises ValidationError."""
    tracker = TRACKERS[data["kind"]]
    known = {field.name: field for field in tracker.FIELDS}
    wrong: dict[str, list[str]] = {}
    for name in PLACE:
        value = data.get(name) or ""
        if name not in known:
            if value:
                wrong[name] = [f"Belongs to other trackers, not to {tracker.NAME}."]
        elif not value and known[name].required:
            wrong[name] = ["Missing data for required field."]
        elif value and not re.fullmatch(known[name].pattern, value):
            wrong[name] = [f"Must be such as {known[name].example}."]
    if tracker.NEEDS_USER and not data.get("user"):
        wrong["user"] = ["Missing data for required field."]
    if wrong:
        raise ma.ValidationError(wrong)


class TrackerPatch(TrackerBody):
    """What is to change; everything else stays, the kind always. A `url` at another host needs the `token` too."""

    example = {"token": "github_pat_11AAAAAAA0000000000000"}

    def __init__(self, **options: Any) -> None:
        super().__init__(partial=True, exclude=("kind",), **options)


def _setting(name: str) -> Any:
    return made(fields.String(allow_none=True), lambda row: row.settings.get(name) or None)


class TrackerOut(Stored):
    """A tracker, without its token and its secret."""

    example: dict[str, Any] = {
        "id": "trk_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "name": "Shop",
        "kind": "github",
        "repository": "acme/shop",
        "webhook": "https://feedback.example.com/trackers/trk_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "has_secret": True,
        "problem": None,
    }

    id = fields.String()
    name = fields.String()
    kind = fields.String()
    repository = _setting("repository")
    project = _setting("project")
    issue_type = _setting("issue_type")
    team = _setting("team")
    url = _setting("url")
    webhook = made(
        fields.String(metadata={"description": "The address for its webhook."}),
        lambda row: links.tracker(row.id),
    )
    has_secret = made(fields.Boolean(), lambda row: bool(row.secret))
    created_at = Moment()
    checked_at = Moment(allow_none=True, metadata={"description": "When it was last tried out."})
    problem = fields.String(allow_none=True, metadata={"description": "What was wrong then."})
    heard_at = Moment(allow_none=True, metadata={"description": "When it last called, with proof."})


class TrackerCreated(TrackerOut):
    """A new tracker, with the secret of its webhook when we made it, shown this once."""

    secret = fields.String(attribute="made_secret")


class TrackerList(ma.Schema):
    """A page of trackers."""

    example = {"items": [TrackerOut.example], "next": None}

    items = fields.List(fields.Nested(TrackerOut))
    next = fields.String(allow_none=True)


class ReachedOut(ma.Schema):
    """What a trial found: the name of the place, and what is wrong."""

    example: dict[str, Any] = {"reached": "acme/shop", "problem": None}

    reached = fields.String(allow_none=True)
    problem = fields.String(allow_none=True)


class TrackerReceipt(ma.Schema):
    """What came of a call. It says nothing about any topic."""

    example: dict[str, Any] = {"decision": "accepted", "reason": "the issue is asked for"}

    decision = fields.String(validate=validate.OneOf(("accepted", "duplicate", "ignored")))
    reason = fields.String()


class IssueBody(ma.Schema):
    """Make an issue of a topic, or link the one at `url`. An issue that is made holds the topic's name or `title`,
    `text` and the badge, and no comment.
    """

    example: dict[str, Any] = {"tracker": "trk_01k9z6w3m4v8h2q5t7x0c1d2e3", "text": "Look at the card form."}

    tracker = text(100, 1, required=True)
    url = Pasted(LONG, 1, metadata={"description": "The address of an issue that is there."})
    title = fields.String(validate=validate.And(validate.Length(1, SHORT), LINE))
    text = text(5000)

    @ma.validates_schema(skip_on_field_errors=True)
    def _made_or_linked(self, data: dict[str, Any], **_: Any) -> None:
        for name in ("title", "text"):
            check(not (data.get("url") and data.get(name)), "An issue that is there has its words already.")


class IssuePatch(ma.Schema):
    """Stop or go on listening to the tracker; accept or decline the status that it proposes; try again what failed."""

    example: dict[str, Any] = {"decision": "accept", "proposal": "shipped"}

    paused = Truth()
    decision = fields.String(validate=validate.OneOf(("accept", "decline")))
    proposal = fields.String(
        validate=validate.OneOf(Topic.STATUSES),
        metadata={"description": "With `decision`: which proposal is meant."},
    )
    again = Truth(
        metadata={
            "description": "true: make what failed or may have failed, once it is not found in the tracker."
        }
    )

    @ma.validates_schema(skip_on_field_errors=True)
    def _together(self, data: dict[str, Any], **_: Any) -> None:
        if ("decision" in data) != ("proposal" in data):
            raise ma.ValidationError({"proposal": ["Goes with decision."]})


class ProposalOut(ma.Schema):
    """The status that a topic would have by what its tracker says; nothing happens until a person decides."""

    status = fields.String()
    by = fields.String(allow_none=True, metadata={"description": "Who moved the issue, in the tracker."})
    at = Moment()


class IssueEventOut(ma.Schema):
    """What happened to the issue of a topic. `by`: a person of the team or in the tracker; null: Earshot."""

    what = fields.String()
    status = fields.String(allow_none=True)
    key = fields.String(allow_none=True)
    by = fields.String(attribute="made_by", allow_none=True)
    at = Moment()


class IssueOut(ma.Schema):
    """The issue of a topic. `paused`: why the tracker is not listened to (`person`, or `status`: somebody gave the
    topic a status by hand); null: it is.
    """

    example: dict[str, Any] = {
        "tracker": "trk_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "state": "linked",
        "key": "acme/shop#12",
        "url": "https://github.com/acme/shop/issues/12",
        "reason": None,
        "paused": None,
        "proposal": {"status": "shipped", "by": "octocat", "at": "2026-11-20T09:30:00.000Z"},
        "history": [],
    }

    tracker = fields.String()
    state = fields.String(validate=validate.OneOf(tuple(dict.fromkeys(STATES.values()))))
    key = fields.String(allow_none=True)
    url = fields.String(allow_none=True)
    reason = fields.String(
        allow_none=True, metadata={"description": "What went wrong when the tracker was last called."}
    )
    paused = fields.String(allow_none=True, validate=validate.OneOf(issues.PAUSES))
    proposal = fields.Nested(ProposalOut, allow_none=True)
    created_at = Moment()
    history = fields.List(fields.Nested(IssueEventOut))

    @staticmethod
    def of(row: TopicIssue, history: list[IssueEvent]) -> dict[str, Any]:
        """What is shown of an issue."""
        proposal = {"status": row.proposal, "by": row.proposed_by, "at": row.proposed_at}
        return {
            "tracker": row.tracker_id,
            "state": STATES[row.state],
            "proposal": proposal if row.proposal else None,
            "history": history,
            **{name: getattr(row, name) for name in ("key", "url", "reason", "paused", "created_at")},
        }
