"""What narrows the feed and the numbers: one set of names and rules for both."""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from feedback import conditions, segments
from feedback.domain import follow_ups
from feedback.models import Triage
from feedback.schemas.kinds import CHANNELS, When
from surveys.base.http import lists
from surveys.domain.metrics import METRICS
from surveys.schemas.kinds import language_tag, text, whole

#: Scores of all scales lie between these.
LOWEST, HIGHEST = (edge(edge(metric.scores) for metric in METRICS.values()) for edge in (min, max))

#: Properties in one question; databases give up on expressions of a thousand parts.
MOST_PROPERTIES = 20

GROUPS = tuple(dict.fromkeys(group.key for metric in METRICS.values() for group in metric.groups))


class Segments(ma.Schema):
    """Which answers: those of a survey or metric, of a period, of a segment; also `property:<name>`.

    Load it with `unknown=INCLUDE`: nobody can list the names of properties.
    """

    survey = text(100, 1)
    metric = fields.String(validate=validate.OneOf(tuple(METRICS)))
    since = When()
    until = When()
    agent = fields.String()
    team = fields.String()
    channel = fields.String(validate=validate.OneOf(CHANNELS))
    ticket_channel = fields.String()
    touchpoint = fields.String()
    language = fields.String(validate=language_tag)
    topic = fields.String()
    theme = fields.String()

    @ma.validates_schema(skip_on_field_errors=False)
    def _only_properties(self, data: Mapping[str, Any], **_: Any) -> None:
        """Refuse what is neither a field nor a property with a text, and more properties than anybody asks for."""
        wrong = {}
        others = data.keys() - self.load_fields.keys()
        if len(others) > MOST_PROPERTIES:
            raise ma.ValidationError({"_": [f"At most {MOST_PROPERTIES} properties."]})
        for name in others:
            if not name.startswith(segments.PROPERTY) or not 0 < len(name) - len(segments.PROPERTY) <= 100:
                wrong[name] = ["Unknown field."]
            elif not isinstance(data[name], str) or len(data[name]) > 2000:
                wrong[name] = ["Must be a text of at most 2000 characters."]
        if wrong:
            raise ma.ValidationError(wrong)


class HasComment(fields.String):
    """Whether there are words: 1, 0 or any; in JSON also as numbers or true and false."""

    def __init__(self, **options: Any) -> None:
        description = "1: with words, 0: without, any: both (Atom and JSON Feed leave out what has none)."
        super().__init__(
            validate=validate.OneOf(("0", "1", "any")), metadata={"description": description}, **options
        )

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        given = str(int(value)) if isinstance(value, bool | int) else value
        return super()._deserialize(given, attr, data, **kwargs)


class FeedFilters(Segments):
    """Which responses, in a query."""

    group = fields.String(validate=validate.OneOf(GROUPS))
    sentiment = fields.String(validate=validate.OneOf(("negative", "neutral", "positive")))
    status = fields.String(
        validate=validate.OneOf(("open", "closed", *follow_ups.STATUSES)),
        metadata={"description": "Of the case that the answer is in; open: of all that are not closed."},
    )
    tag = fields.String()
    q = fields.String(validate=validate.Length(max=1000))
    score_min: fields.Field = lists.Digits(validate=validate.Range(LOWEST, HIGHEST))
    score_max: fields.Field = lists.Digits(validate=validate.Range(LOWEST, HIGHEST))
    has_comment = HasComment()
    person = text(100, 1)
    company = text(200, 1, metadata={"description": "What the person's company is called today."})
    mismatch = fields.String(
        validate=validate.OneOf(("1",)),
        metadata={
            "description": "1: only where the words say the opposite of the score; `sentiment` has their reading."
        },
    )

    waiting = fields.String(
        validate=validate.OneOf(("any", *conditions.WAITING)),
        metadata={
            "description": "Comments in no topic, by the reason: not read yet, saying nothing, in a language that is "
            "not understood, or unlike all others."
        },
    )
    triage = fields.String(
        validate=validate.OneOf(Triage.STATES), metadata={"description": "How far the team is with it."}
    )
    counted = fields.String(
        validate=validate.OneOf(("1",)),
        metadata={"description": "1: only what is in the value: with a score, no test, not excluded."},
    )

    excluded = fields.String(
        validate=validate.OneOf(("0", "1")),
        metadata={"description": "0: without tests and what was excluded, 1: only those."},
    )
    placed = fields.String(
        validate=validate.OneOf(("0", "1")),
        metadata={"description": "0: only what is in no topic, 1: only what is in one."},
    )

    @ma.validates_schema
    def _some_score(self, data: Mapping[str, Any], **_: Any) -> None:
        low, high = data.get("score_min"), data.get("score_max")
        if low is not None and high is not None and low > high:
            raise ma.ValidationError({"score_max": ["Must not be below score_min."]})


class ViewFilters(FeedFilters):
    """Which responses a saved view shows, as JSON."""

    score_min = whole(LOWEST, HIGHEST)
    score_max = whole(LOWEST, HIGHEST)
