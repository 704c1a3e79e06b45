"""Follow-ups and opening hours."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from feedback.domain.follow_ups import REASONS, STATUSES, STEPS
from surveys.base.http import bodies, lists
from surveys.schemas import pages
from surveys.schemas.kinds import WRITTEN, Moment, Number, Stored, check, text, time_zone, whole

#: In the place of a member's id: cases that nobody looks after.
NOBODY = "none"

# validate.Regexp looks from the beginning; only \Z is the end, for $ also stands before a last line feed.
_OPENS = r"([01][0-9]|2[0-3]):[0-5][0-9]\Z"
_CLOSES = r"(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)\Z"


def _says_something(value: str | None) -> None:
    check(value is None or value.strip(), "Must be a sentence.")


class FollowUpQuery(lists.PageArgs):
    """Which follow-ups."""

    status = fields.String(
        validate=validate.OneOf(("open", "closed", *STATUSES)),
        metadata={"description": "open: all that are not closed."},
    )
    owner = text(100, 1, metadata={"description": "A member's id; none: those that nobody looks after."})
    overdue = fields.String(validate=validate.OneOf(("0", "1")))
    person = text(100, 1)


class FollowUpBody(ma.Schema):
    """The answer that somebody has to follow up."""

    example = {"response": "6f1c1a52-6f0e-4b7e-9d59-3f2b8f6f7a10"}

    response = text(100, 1, required=True)


class FollowUpPatch(ma.Schema):
    """What is to change; everything else stays. To give up, or to hand over, takes a `note`."""

    example = {"status": "given_up", "reason": "lost_cause", "note": "They have moved away."}

    owner = text(100, 1, allow_none=True, metadata={"description": "A member's id."})
    status = fields.String(
        validate=validate.OneOf(STATUSES),
        metadata={"description": "`solved` and `unconfirmed` are the customer's alone."},
    )
    note = fields.String(allow_none=True, validate=[validate.Length(max=WRITTEN), _says_something])
    steps = fields.List(
        fields.String(validate=validate.OneOf(STEPS)),
        validate=validate.Length(max=20),
        metadata={"description": "The steps that are done."},
    )
    reason = fields.String(validate=validate.OneOf(REASONS), allow_none=True)


class ReplyBody(ma.Schema):
    """What the person is answered, by one mail. An address in it is kept from becoming a link."""

    example = {
        "text": "We have sent you a new invoice. Please tell us if anything is still wrong.",
        "language": "en",
    }

    language = text(35, 2, allow_none=True, metadata={"description": "Of the text; by default the person's."})
    text = fields.String(required=True, validate=[validate.Length(1, WRITTEN), _says_something])


class LetterAnswerForm(ma.Schema):
    """The form of the page behind a letter that asks whether it is solved. What else browsers send is left out."""

    body_limit = bodies.PUBLIC_BODY
    types = ("multipart/form-data", "application/x-www-form-urlencoded")

    class Meta:
        unknown = ma.EXCLUDE

    answer = fields.String(load_default="", metadata={"description": "`fixed` or `not_yet`."})
    text = text(WRITTEN, load_default="", metadata={"description": "In their own words, if they like."})
    acted = pages.acted()
    token = pages.token()


class ClockOut(ma.Schema):
    """By when something is owed, and how that came about; null while the customer is waited for."""

    at = Moment(allow_none=True)
    why = fields.String()
    overdue = fields.Boolean()


class DueOut(ma.Schema):
    """The two clocks, which run while the team is open."""

    answer = fields.Nested(ClockOut)
    solved = fields.Nested(ClockOut)


class DoneBy(ma.Schema):
    """Who did something: a member or a key."""

    id = fields.String()
    name = fields.String()


class DoneOut(ma.Schema):
    """What was done with a case: only what changed, to what it changed."""

    at = fields.String(metadata={"format": "date-time"})
    by = fields.Nested(DoneBy, allow_none=True, metadata={"description": "Null: the service itself."})
    opened = fields.String(metadata={"description": "By which rule."})
    joined = fields.String(metadata={"description": "A further answer, by which rule."})
    status = fields.String()
    owner = fields.String(allow_none=True)
    reason = fields.String(allow_none=True)
    steps = fields.List(fields.String())
    mailed = fields.String(metadata={"description": "A letter: `reply`, or `ask` whether it is solved."})
    unmailed = fields.String(metadata={"description": "A letter that never left; the note says why."})
    unsure = fields.String(metadata={"description": "A letter of which nobody knows whether it arrived."})
    said = fields.String(metadata={"description": "The customer's own word: `fixed` or `not_yet`."})
    letter = fields.String(
        metadata={"description": "What they said it to: a letter, or an answer on their own page."}
    )
    overdue = fields.Boolean(metadata={"description": "Somebody was told that it is overdue."})
    note = fields.String()


class LetterOut(ma.Schema):
    """A mail to the person of a case, and what they said to its question."""

    id = fields.String()
    kind = fields.String(metadata={"description": "`reply` or `ask`."})
    state = fields.String(metadata={"description": "scheduled, sending, sent, unknown, failed or cancelled."})
    reason = fields.String(allow_none=True, metadata={"description": "Why it did not leave."})
    email = fields.String()
    language = fields.String()
    text = fields.String(allow_none=True)
    by = fields.Nested(DoneBy, attribute="made_by")
    marked = fields.Boolean(
        metadata={"description": "They get no surveys by mail, and asked to be answered all the same."}
    )
    created_at = Moment()
    sent_at = Moment(allow_none=True)
    answer = fields.String(allow_none=True, metadata={"description": "`fixed` or `not_yet`."})
    said = fields.String(allow_none=True)
    answered_at = Moment(allow_none=True)


class ReachOut(ma.Schema):
    """Whether the person may be written to."""

    email = fields.String(allow_none=True, metadata={"description": "Where a mail goes to."})
    claimed = fields.String(
        allow_none=True,
        metadata={"description": "An address that nobody vouches for: no mail of ours goes there."},
    )
    unsubscribed = fields.Boolean()
    why_not = fields.String(allow_none=True, metadata={"description": "Why no mail may go to them."})


class FollowUpOut(Stored):
    """A case: somebody has to get in touch with whoever answered."""

    example: dict[str, Any] = {
        "id": "fu_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "response": FollowUpBody.example["response"],
        "person": "per_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "rule": "score",
        "status": "new",
        "priority": 0,
        "responses": [FollowUpBody.example["response"]],
        "owner": None,
        "due": {
            "answer": {
                "at": "2026-11-30T15:40:00.000Z",
                "why": "received Fri 27 Nov 16:40 · 20 min on Fri 27 Nov · Mon 30 Nov from 09:00 · "
                "due Mon 30 Nov 16:40 (Europe/Berlin)",
                "overdue": False,
            }
        },
        "opened_at": "2026-11-27T15:40:00.000Z",
        "steps": [],
    }

    id = fields.String()
    response = fields.String(allow_none=True)
    person = fields.String(allow_none=True)
    rule = fields.String()
    status = fields.String()
    priority = fields.Integer()
    responses = fields.List(fields.String())
    owner = fields.String(allow_none=True)
    due = fields.Nested(DueOut)
    opened_at = Moment()
    first_answer_at = Moment(allow_none=True)
    closed_at = Moment(allow_none=True)
    reason = fields.String(allow_none=True)
    steps = fields.List(fields.String())
    history = fields.List(fields.Nested(DoneOut), metadata={"description": "What was done, the first first."})
    letters = fields.List(
        fields.Nested(LetterOut),
        metadata={"description": "Of one case alone: what was written to its person."},
    )
    reach = fields.Nested(ReachOut, metadata={"description": "Of one case alone."})


class FollowUpList(ma.Schema):
    """A page of follow-ups."""

    example = {"items": [FollowUpOut.example], "next": None}

    items = fields.List(fields.Nested(FollowUpOut))
    next = fields.String(allow_none=True)


class OpenBody(ma.Schema):
    """On some weekdays (0 is Monday), from when until when; 24:00 is the end of the day."""

    weekdays = fields.List(whole(0, 6), required=True, validate=validate.Length(1, 7))
    opens = fields.String(required=True, validate=validate.Regexp(_OPENS, error="Must be a time like 09:00."))
    closes = fields.String(
        required=True, validate=validate.Regexp(_CLOSES, error="Must be a time like 17:30, or 24:00.")
    )

    @ma.validates_schema(skip_on_field_errors=True)
    def _opens_first(self, data: Mapping[str, Any], **_: Any) -> None:
        check(data["opens"] < data["closes"], "Must open before it closes, on the same day.")


class Day(fields.String):
    """A day such as 2026-12-25."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        given = super()._deserialize(value, attr, data, **kwargs)
        try:
            if len(given) != 10:
                raise ValueError(given)
            return date.fromisoformat(given).isoformat()
        except ValueError:
            raise ma.ValidationError("Must be a day such as 2026-12-25.") from None


def _each_once(days: list[str]) -> list[str]:
    return sorted(set(days))


class HoursBody(ma.Schema):
    """When the team is open, how soon it promises to answer and to solve, and who leads it. What is left out is as it
    was before anybody set it."""

    example: dict[str, Any] = {
        "time_zone": "Europe/Berlin",
        "open": [{"weekdays": [0, 1, 2, 3, 4], "opens": "09:00", "closes": "17:00"}],
        "holidays": ["2026-12-25", "2027-01-01"],
        "answer_within_hours": 8,
        "solve_within_hours": 24,
        "lead": None,
    }

    time_zone = fields.String(
        allow_none=True, validate=time_zone, metadata={"description": "Null: the setting TIME_ZONE."}
    )
    open = fields.List(fields.Nested(OpenBody), validate=validate.Length(1, 50))
    holidays = fields.List(Day(), validate=validate.Length(max=2000), post_load=_each_once)
    answer_within_hours = Number(
        validate=validate.Range(0.25, 1000), metadata={"description": "Of opening time, to the first answer."}
    )
    solve_within_hours = Number(
        validate=validate.Range(0.25, 1000), metadata={"description": "Of opening time, until it is solved."}
    )
    lead = text(
        100, 1, allow_none=True, metadata={"description": "A member's id: who hears of what is overdue."}
    )
