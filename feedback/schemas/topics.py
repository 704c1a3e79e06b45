"""Topics, what they do to the value, and what corrections taught."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from feedback import drivers
from feedback.domain.drivers import Impact
from feedback.models import Topic
from feedback.numbers import Drivers, Mover
from feedback.schemas import metrics
from feedback.schemas.kinds import When
from feedback.schemas.metrics import BriefOut, ChangeOut
from feedback.topics.report import (
    Heard,
    Measured,
    Overview,
    ReviewReport,
    ThemeReport,
    TopicReport,
)
from surveys.base.clock import stamp
from surveys.base.http import lists
from surveys.domain.metrics import METRICS
from surveys.schemas.kinds import LINE, ByLanguage, Moment


def _label(**options: Any) -> fields.String:
    """What a topic is called: a line of text."""
    return fields.String(validate=validate.And(validate.Length(1, 80), LINE), **options)


def _status() -> fields.String:
    """How far the team is with a topic or theme."""
    return fields.String(
        validate=validate.And(
            validate.NoneOf(("came_back",), error="Is set by the service alone."),
            validate.OneOf(Topic.STATUSES),
        )
    )


def _examples() -> fields.List:
    """What people said or might say of a topic."""
    return fields.List(fields.String(validate=validate.Length(1, 2000)), validate=validate.Length(max=100))


class TopicQuery(ma.Schema):
    """Which responses topics are looked at in."""

    survey = fields.String(validate=validate.Length(1, 100))
    metric = fields.String(validate=validate.OneOf(tuple(METRICS)))
    since = When()
    until = When()
    lang = fields.String(
        validate=validate.Regexp(
            r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*\Z", error="Must be a language tag such as de."
        ),
        metadata={
            "description": "The language in which names are told where comments of it are in a topic, and whose "
            "comments come first; the header Accept-Language says it too."
        },
    )


class DriversQuery(TopicQuery):
    """Which value, and what may move it."""

    level = fields.String(validate=validate.OneOf(tuple(drivers.LEVELS)), load_default="topic")


class ThemesQuery(TopicQuery, lists.PageArgs):
    """Which themes."""


class TopicsQuery(TopicQuery, lists.PageArgs):
    """Which topics."""

    status = fields.String(validate=validate.OneOf(Topic.STATUSES))


class TopicBody(ma.Schema):
    """A topic that a person describes; five examples are enough to recognise it."""

    example: dict[str, Any] = {
        "label": "Card declined",
        "examples": ["My card was declined at the checkout", "It refused my Visa", "Payment failed twice"],
    }

    label = _label(required=True)
    examples = _examples()


class TopicPatch(ma.Schema):
    """What is to change; everything else stays. Label and theme stay for good."""

    example: dict[str, Any] = {
        "status": "in_progress",
        "owner": "Maya",
        "issue_url": "https://issues.example/12",
    }

    label = _label()
    theme = fields.String(
        allow_none=True,
        validate=validate.Length(1, 100),
        metadata={"description": "The id of the theme that it is to stand under; null: under none."},
    )
    status = _status()
    owner = fields.String(allow_none=True, validate=validate.Length(max=200))
    issue_url = fields.Url(
        allow_none=True, schemes={"http", "https"}, require_tld=False, validate=validate.Length(max=2000)
    )
    shipped_at = Moment(
        allow_none=True,
        metadata={
            "description": "When what was wrong was mended; when it is said to be shipped unless given."
        },
    )
    note = ByLanguage(
        5000, allow_none=True, metadata={"description": "What people who spoke of it are told, by language."}
    )


class MergeBody(ma.Schema):
    """Where the topic goes."""

    example = {"into": "top_2c26b46b68ffc68f"}

    into = fields.String(required=True, validate=validate.Length(1, 100))


class ThemeBody(ma.Schema):
    """A theme that a person makes, and the topics that are to stand under it."""

    example: dict[str, Any] = {"label": "Payment", "topics": ["top_2c26b46b68ffc68f"]}

    label = _label(required=True)
    topics = fields.List(fields.String(validate=validate.Length(1, 100)), validate=validate.Length(max=500))
    owner = fields.String(allow_none=True, validate=validate.Length(max=200))


class ThemePatch(ma.Schema):
    """What is to change; everything else stays. A label stays for good."""

    example: dict[str, Any] = {"status": "in_progress", "owner": "Maya"}

    label = _label()
    status = _status()
    owner = fields.String(allow_none=True, validate=validate.Length(max=200))


class ThemeMergeBody(ma.Schema):
    """Where the theme goes."""

    example = {"into": "thm_5e884898da280471"}

    into = fields.String(required=True, validate=validate.Length(1, 100))


class SplitBody(ma.Schema):
    """The new topic, and which responses' comments leave for it."""

    example = {"label": "Invoice missing", "responses": ["6f1c1a52-6f0e-4b7e-9d59-3f2b8f6f7a10"]}

    label = _label(required=True)
    responses = fields.List(
        fields.String(validate=validate.Length(1, 100)), required=True, validate=validate.Length(1, 500)
    )
    examples = _examples()


class ReviewOut(ma.Schema):
    """How far a review of all topics is."""

    example: dict[str, Any] = {"id": 7, "state": "running", "step": "grouping", "share": 0.4}

    id = fields.Integer()
    state = fields.String()
    step = fields.String(allow_none=True)
    share = fields.Float()
    comments = fields.Integer(allow_none=True)
    moved = fields.Integer(allow_none=True)
    asked_at = fields.String()
    ended_at = fields.String(allow_none=True)

    def dump(self, obj: ReviewReport, *, many: bool | None = None) -> dict[str, Any]:
        """As marshmallow's, without what comes from all surveys together for who is limited."""
        found = {"comments": obj.comments, "moved": obj.moved}
        return {
            "id": obj.id,
            "state": obj.state,
            "step": obj.step,
            "share": obj.share,
            **({} if obj.limited else found),
            "asked_at": stamp(obj.asked_at),
            "ended_at": stamp(obj.ended_at),
        }


class FeelingsOut(ma.Schema):
    """How many comments speak of it how."""

    negative = fields.Integer()
    neutral = fields.Integer()
    positive = fields.Integer()


class WeekOut(ma.Schema):
    """Comments of one week."""

    start = fields.String(metadata={"format": "date"})
    n = fields.Integer()


class SurgeOut(ma.Schema):
    """Many more comments than expected of late; `p`: how often chance alone makes so many."""

    n = fields.Integer()
    expected = fields.Float()
    p = fields.Float()


class ImpactOut(ma.Schema):
    """The value of those who speak of a topic, and what they do to the value over all: null under 10 responses."""

    n = fields.Integer()
    value = fields.Float(allow_none=True)
    value_interval = fields.List(fields.Float(), allow_none=True)
    impact = fields.Float(allow_none=True)
    interval = fields.List(fields.Float(), allow_none=True)
    spans_zero = fields.Boolean(allow_none=True)
    p = fields.Float(
        allow_none=True,
        metadata={
            "description": "How often chance alone would move the value as far, 0 to 1; two-sided, for this one alone."
        },
    )


class TypicalOut(ma.Schema):
    """A comment near to what the topic is about, and the words that put it there."""

    id = fields.String()
    comment = fields.String(allow_none=True)
    score = fields.Integer(allow_none=True)
    evidence = fields.List(fields.String())
    by_person = fields.Boolean()


class PhraseOut(ma.Schema):
    """A phrase, and in how many comments it stands."""

    phrase = fields.String()
    n = fields.Integer()


class ChangedTopicOut(ma.Schema):
    """What happened to a topic, with the names of that time."""

    kind = fields.String()
    topic = fields.String()
    label = fields.String(allow_none=True)
    other = fields.String(allow_none=True)
    other_label = fields.String(allow_none=True)
    former_label = fields.String(allow_none=True)
    by_person = fields.Boolean()
    at = fields.String(metadata={"format": "date-time"})


class ChangedThemeOut(ma.Schema):
    """What happened to a theme, with the names of that time."""

    kind = fields.String(
        metadata={
            "description": "found (by a review), taught (made by a person), split (off theme, into other), "
            "merged (into other), renamed."
        }
    )
    theme = fields.String()
    label = fields.String(allow_none=True)
    other = fields.String(allow_none=True)
    other_label = fields.String(allow_none=True)
    former_label = fields.String(allow_none=True)
    by_person = fields.Boolean()
    at = fields.String(metadata={"format": "date-time"})


class TopicStatusOut(ma.Schema):
    """Which status a topic was given, what it was until then, when and by whom (null: by an upgrade)."""

    status = fields.String()
    former = fields.String()
    by = fields.String(allow_none=True)
    at = fields.String(metadata={"format": "date-time"})


class ThemeName(ma.Schema):
    """A theme by its name."""

    id = fields.String()
    label = fields.String()


class TopicOut(ImpactOut):
    """A topic: what it is, how large, whether it grows, how people feel and what it does to the value.

    Numbers are left out for one that was merged; what others taught, for a key that sees some surveys alone.
    """

    example: dict[str, Any] = {
        "id": "top_2c26b46b68ffc68f",
        "label": "Card declined",
        "status": "new",
        "size": 84,
        "share": 0.07,
        "sentiment": {"negative": 70, "neutral": 11, "positive": 3},
        "theme": {"id": "thm_5e884898da280471", "label": "Payment"},
        "n": 80,
        "value": -41.2,
        "impact": -3.1,
        "interval": [-4.4, -1.7],
        "spans_zero": False,
        "surge": None,
    }

    id = fields.String()
    label = fields.String()
    status = fields.String()
    owner = fields.String(allow_none=True)
    issue_url = fields.String(allow_none=True)
    theme = fields.Nested(
        ThemeName,
        allow_none=True,
        metadata={"description": "The theme that it stands under, where there are many topics."},
    )
    named = fields.Boolean()
    taught = fields.Boolean()
    merged_into = fields.String(allow_none=True)
    candidates = fields.List(fields.String())
    phrases = fields.List(fields.String())
    examples = fields.List(fields.String())
    created_at = fields.String(metadata={"format": "date-time"})
    shipped_at = fields.String(allow_none=True, metadata={"format": "date-time"})
    note = fields.Dict(keys=fields.String(), values=fields.String(), allow_none=True)
    size = fields.Integer()
    share = fields.Float()
    sentiment = fields.Nested(FeelingsOut)
    trend = fields.List(fields.Nested(WeekOut))
    surge = fields.Nested(SurgeOut, allow_none=True)
    typical = fields.List(fields.Nested(TypicalOut))
    evidence = fields.List(fields.Nested(PhraseOut))
    lineage = fields.List(fields.Nested(ChangedTopicOut))
    history = fields.List(fields.Nested(TopicStatusOut))

    def dump(self, obj: TopicReport, *, many: bool | None = None) -> dict[str, Any]:
        """As marshmallow's, written by hand: there are hundreds of topics with their weeks."""
        found = {
            "id": obj.id,
            "label": obj.label,
            "status": obj.status,
            "owner": obj.owner,
            "issue_url": obj.issue_url,
            "theme": {"id": obj.theme.id, "label": obj.theme.label} if obj.theme else None,
            "named": obj.named,
            "taught": obj.taught,
            "merged_into": obj.merged_into,
            "candidates": obj.candidates,
            "phrases": obj.phrases,
            "examples": obj.examples,
            "created_at": stamp(obj.created_at),
            "shipped_at": stamp(obj.shipped_at),
            "note": obj.note,
            **_numbers(obj.numbers),
        }
        return {**_seen(found, obj.limited), **_details(obj)}


class ThemeOut(ImpactOut):
    """A theme: what several topics have in common, how large it is and, where it is listed by itself, what it does.

    A comment in two of its topics counts once. `topics`: their ids.
    """

    example: dict[str, Any] = {
        "id": "thm_5e884898da280471",
        "label": "Payment",
        "status": "new",
        "owner": None,
        "topics": ["top_2c26b46b68ffc68f"],
        "size": 130,
        "share": 0.11,
        "sentiment": {"negative": 90, "neutral": 20, "positive": 20},
    }

    id = fields.String()
    label = fields.String()
    status = fields.String()
    owner = fields.String(allow_none=True)
    named = fields.Boolean()
    merged_into = fields.String(allow_none=True)
    created_at = fields.String(metadata={"format": "date-time"})
    topics = fields.List(fields.String())
    size = fields.Integer()
    share = fields.Float()
    sentiment = fields.Nested(FeelingsOut)
    trend = fields.List(fields.Nested(WeekOut))
    surge = fields.Nested(SurgeOut, allow_none=True)
    lineage = fields.List(
        fields.Nested(ChangedThemeOut),
        metadata={"description": "Where it came from and what went into it; not for limited keys."},
    )

    def dump(self, obj: ThemeReport, *, many: bool | None = None) -> dict[str, Any]:
        """As marshmallow's, written by hand like that of topics."""
        found = {
            "id": obj.id,
            "status": obj.status,
            "owner": obj.owner,
            "named": obj.named,
            "merged_into": obj.merged_into,
            "label": obj.label,
            "created_at": stamp(obj.created_at),
            **_numbers(obj.numbers),
            "topics": obj.topics,
        }
        if obj.lineage is not None:
            found["lineage"] = [{**asdict(line), "at": stamp(line.at)} for line in obj.lineage]
        return _seen(found, obj.limited)


class ThemeList(ma.Schema):
    """All themes, the largest first."""

    example: dict[str, Any] = {"items": [ThemeOut.example], "next": None, "metric": "nps"}

    items = fields.List(fields.Nested(ThemeOut))
    next = fields.String(allow_none=True)
    metric = fields.String(allow_none=True)

    def dump(self, obj: Mapping[str, Any], *, many: bool | None = None) -> dict[str, Any]:
        """As marshmallow's, each theme written by hand."""
        one = ThemeOut()
        return {**obj, "items": [one.dump(theme) for theme in obj["items"]]}


class ReasonsOut(ma.Schema):
    """How many comments are in no topic because of what; the feed's filter `waiting` lists them."""

    unread = fields.Integer(metadata={"description": "Nobody has read them yet."})
    nothing = fields.Integer(metadata={"description": "They name no matter, such as n/a."})
    language = fields.Integer(metadata={"description": "Their language is not understood."})
    unlike = fields.Integer(metadata={"description": "They are unlike all others."})


class UnplacedOut(ma.Schema):
    """Comments that are in no topic."""

    n = fields.Integer()
    share = fields.Float()
    reasons = fields.Nested(ReasonsOut)


class TopicList(ma.Schema):
    """A page of topics, the largest first, their themes, and how many comments are in none and how many say nothing."""

    example: dict[str, Any] = {
        "items": [TopicOut.example],
        "next": None,
        "metric": "nps",
        "comments": 1200,
        "unplaced": {
            "n": 60,
            "share": 0.05,
            "reasons": {"unread": 0, "nothing": 25, "language": 20, "unlike": 15},
        },
        "said_nothing": 25,
        "themes": [ThemeOut.example],
        "review": {**ReviewOut.example, "state": "done", "share": 1.0},
    }

    items = fields.List(fields.Nested(TopicOut))
    next = fields.String(allow_none=True)
    metric = fields.String(allow_none=True)
    comments = fields.Integer()
    unplaced = fields.Nested(UnplacedOut)
    said_nothing = fields.Integer(
        metadata={"description": "Comments that name no matter at all, such as n/a."}
    )
    themes = fields.List(fields.Nested(ThemeOut))
    review = fields.Nested(ReviewOut, allow_none=True)

    def dump(self, obj: Mapping[str, Any], *, many: bool | None = None) -> dict[str, Any]:
        """As marshmallow's, of an overview (`found`) and the cursor of the `next` page, each topic written by hand."""
        found: Overview = obj["found"]
        topic, theme = TopicOut(), ThemeOut()
        return {
            "themes": [theme.dump(each) for each in found.themes],
            "items": [topic.dump(each) for each in found.items],
            "metric": found.metric,
            "comments": found.comments,
            "unplaced": {"n": found.unplaced, "share": found.share_unplaced, "reasons": found.reasons},
            "review": ReviewOut().dump(found.review) if found.review else None,
            "said_nothing": found.said_nothing,
            "next": obj["next"],
        }


class TopicName(ma.Schema):
    """A topic by its name."""

    id = fields.String()
    label = fields.String()


class PartOut(ma.Schema):
    """What a topic had to do with the value: its responses, their share of all, and share times value."""

    n = fields.Integer()
    share = fields.Float()
    value = fields.Float(allow_none=True)
    contribution = fields.Float()


class DriverOut(ImpactOut):
    """What one topic, or theme, does to the value, and what it did in the period before."""

    topic = fields.Nested(TopicName, metadata={"description": "With level=topic."})
    theme = fields.Nested(ThemeName, metadata={"description": "With level=theme."})
    share = fields.Float()
    contribution = fields.Float()
    previous = fields.Nested(PartOut, allow_none=True)
    explains = fields.Float(allow_none=True)


class DriversOut(ma.Schema):
    """What moves the value, the strongest first; `explains`: what a topic did to it since the period before."""

    example: dict[str, Any] = {
        "metric": "nps",
        "n": 1200,
        "value": 32.5,
        "interval": [28.3, 36.6],
        "items": [
            {
                "topic": {"id": "top_2c26b46b68ffc68f", "label": "Card declined"},
                "n": 80,
                "value": -41.2,
                "impact": -3.1,
                "interval": [-4.4, -1.7],
                "spans_zero": False,
            }
        ],
    }

    metric = fields.String()
    n = fields.Integer()
    value = fields.Float(allow_none=True)
    interval = fields.List(fields.Float(), allow_none=True)
    previous = fields.Nested(BriefOut, allow_none=True)
    change = fields.Nested(ChangeOut, allow_none=True)
    items = fields.List(fields.Nested(DriverOut))

    def dump(self, obj: Drivers, *, many: bool | None = None) -> dict[str, Any]:
        """As marshmallow's, from values that know no nested topic."""
        return {
            "metric": obj.metric,
            **metrics.compared(obj),
            "items": [_driver(mover, obj.level) for mover in obj.movers],
        }


def _driver(mover: Mover, level: str) -> dict[str, Any]:
    part, past = _part(mover.now), _part(mover.before)
    return {
        level: {"id": mover.topic, "label": mover.label},
        **impact(mover.now),
        "share": part["share"],
        "contribution": part["contribution"],
        "previous": past if mover.is_compared else None,
        "explains": mover.explains,
    }


def _part(found: Impact | None) -> dict[str, Any]:
    """Size and contribution; nothing of either where nobody spoke of the topic."""
    if found is None:
        return {"n": 0, "share": 0.0, "value": None, "contribution": 0.0}
    return {name: getattr(found, name) for name in ("n", "share", "value", "contribution")}


#: What of a topic or theme comes from all surveys together.
_OF_ALL = frozenset(("candidates", "phrases", "examples", "owner", "issue_url", "note"))


def _seen(values: dict[str, Any], limited: bool) -> dict[str, Any]:
    """What may be told: to who is limited nothing that comes from all surveys together."""
    return {name: each for name, each in values.items() if name not in _OF_ALL} if limited else values


def _numbers(found: Heard | None) -> dict[str, Any]:
    """Size and feelings and, where they were measured, weeks, surge and impact; nothing of a topic that was merged."""
    if found is None:
        return {}
    told = {"size": found.size, "share": found.share, "sentiment": found.sentiment}
    if not isinstance(found, Measured):
        return told
    surge = found.surge
    return {
        **told,
        "trend": [{"start": week.start.isoformat(), "n": week.n} for week in found.trend],
        "surge": {"n": surge.now, "expected": surge.expected, "p": surge.p} if surge else None,
        **impact(found.impact),
    }


def impact(found: Impact | None) -> dict[str, Any]:
    """Value and impact; of no response at all when there is none."""
    names = ("value", "value_interval", "impact", "interval", "spans_zero", "p")
    return {"n": found.n if found else 0} | {name: getattr(found, name, None) for name in names}


def _details(found: TopicReport) -> dict[str, Any]:
    """What was asked for of a topic beside its numbers."""
    told: dict[str, Any] = {}
    if found.typical is not None:
        told["typical"] = [asdict(each) for each in found.typical]
    if found.evidence is not None:
        told["evidence"] = [{"phrase": phrase, "n": n} for phrase, n in found.evidence]
    if found.lineage is not None:
        told["lineage"] = [
            {
                "kind": change.kind.value,
                "topic": change.topic,
                "label": change.label,
                "other": change.other,
                "other_label": change.other_label,
                "former_label": change.former_label,
                "by_person": change.by_person,
                "at": stamp(change.at),
            }
            for change in found.lineage
        ]
    if found.history is not None:
        told["history"] = [{**asdict(each), "at": stamp(each.at)} for each in found.history]
    return told


class WordOut(ma.Schema):
    """A word that reads otherwise now, by so much of the scale from -1 to 1."""

    word = fields.String()
    shift = fields.Float()


class TaughtOut(ma.Schema):
    """What the corrections of one survey taught."""

    survey = fields.String()
    corrections = fields.Integer()
    overruled = fields.Integer()
    changed = fields.Integer()
    words = fields.List(fields.Nested(WordOut))
    learnt_at = Moment()


class CorrectionsOut(ma.Schema):
    """What people's corrections of sentiments taught, survey by survey."""

    example: dict[str, Any] = {
        "items": [
            {
                "survey": "sv_01k9z6w3m4v8h2q5t7x0c1d2e3",
                "corrections": 40,
                "overruled": 31,
                "changed": 112,
                "words": [{"word": "nothing", "shift": 0.9}],
                "learnt_at": "2026-11-20T09:30:00.000Z",
            }
        ],
        "next": None,
    }

    items = fields.List(fields.Nested(TaughtOut))
    next = fields.String(allow_none=True)
