"""What the team's pages take in their address and in their forms."""

import marshmallow as ma
from marshmallow import fields, validate

from feedback.models import Pin
from feedback.results import INTERVALS
from feedback.schemas.filters import FeedFilters
from feedback.schemas.kinds import When, delimiter
from feedback.schemas.topics import ThemesQuery, TopicQuery, TopicsQuery
from surveys.base.http import lists
from surveys.schemas.kinds import text
from surveys.schemas.people import PersonQuery
from surveys.schemas.triggers import DECISIONS

PERIODS = ("30d", "90d", "12m", "all")

#: How far the team is with answers: what a form says, and what they are then.
TRIAGE = {"done": "done", "archive": "archived", "unread": "unread"}

#: What is done to picked answers together.
BULK = (*TRIAGE, "tag", "untag", "exclude", "restore")

ACTS = (*BULK, "sentiment", "topics", "follow_up", "save", "take", "forget")

DONE = (*(act for act in ACTS if act != "follow_up"), "nothing")


class OverviewQuery(ma.Schema):
    """Which period, and as known when; `since` and `until` say it by the day, and go before `period`."""

    period = fields.String(validate=validate.OneOf(PERIODS), load_default="12m")
    since = When()
    until = When()
    as_of = When(
        metadata={"description": "Only what was recorded up to the end of this day, or before this moment."}
    )


class OverviewForm(ma.Schema):
    """A pin or a benchmark, set or taken off."""

    class Meta:
        unknown = ma.EXCLUDE

    do = fields.String(required=True, validate=validate.OneOf(("pin", "unpin", "compare", "uncompare")))
    id = text(100)
    at = When()
    kind = fields.String(validate=validate.OneOf(Pin.KINDS), load_default="other")
    survey = text(100, load_default="")
    value = fields.Float(allow_nan=False, validate=validate.Range(-100, 100))
    # Last: from here on the name is the field's.
    text = text(300, load_default="")


class TeamFeedQuery(FeedFilters):
    """Which answers the feed shows, and from where; what was just done, to say it."""

    as_of = When(metadata={"description": "As on the overview."})
    cursor = fields.String(validate=validate.Length(1, 500))
    delimiter = delimiter()
    did = fields.String(validate=validate.OneOf(DONE))
    many = lists.Digits(validate=validate.Range(0, 1000))


#: What topics are ordered by: how many speak of it, how many of them badly, what it does to the value, whether it
#: rises, when it came up.
TOPIC_ORDERS = ("size", "complaints", "impact", "surge", "newest")

#: What is done to a topic's issue in a tracker.
ISSUE_DEEDS = ("issue", "link", "again", "look", "unlink", "pause", "resume", "accept", "decline")

TOPIC_DEEDS = ("change", "merge", "publish", "review", "revoke", "split", "teach", *ISSUE_DEEDS)

TOPIC_DONE = (*TOPIC_DEEDS, "read")


class TeamTopicsQuery(TopicsQuery):
    """Which topics the page shows, in which order, as known at `as_of`; what was just done, to say it."""

    as_of = When()
    order = fields.String(validate=validate.OneOf(TOPIC_ORDERS), load_default="size")
    theme = fields.String(validate=validate.Length(1, 100))
    did = fields.String(validate=validate.OneOf(TOPIC_DONE))


class OneTopicQuery(TopicQuery):
    """In which answers a topic is looked at; what is rehearsed: a merge `into` another, a split by some words; `came`:
    what its fix did is counted.
    """

    as_of = When()
    into = fields.String(validate=validate.Length(1, 100))
    parts = fields.String(validate=validate.Length(1, 200))
    came = fields.String(validate=validate.OneOf(("1",)))
    did = fields.String(validate=validate.OneOf(TOPIC_DONE))


class TopicForm(ma.Schema):
    """What is done to topics. Unknown fields are let through: those that name what they pick (`pick-<id>`)."""

    class Meta:
        unknown = ma.INCLUDE

    do = fields.String(required=True, validate=validate.OneOf(TOPIC_DEEDS))
    label = text(2000, load_default="")
    theme = text(100, load_default="")
    status = text(100, load_default="")
    owner = text(2000, load_default="")
    issue_url = text(5000, load_default="")
    examples = text(300_000, load_default="")
    into = text(100, load_default="")
    kind = text(20, load_default="")
    tracker = text(100, load_default="")
    title = text(2000, load_default="")
    url = text(5000, load_default="")
    proposal = text(100, load_default="")
    version = text(100, load_default="")
    before = text(20_000, load_default="")
    # Last: from here on the name is the field's.
    text = text(20_000, load_default="")


THEME_DEEDS = ("change", "make", "merge", "put")


class TeamThemesQuery(ThemesQuery):
    """Which themes the page shows, as known at `as_of`."""

    as_of = When()


class OneThemeQuery(TopicQuery):
    """In which answers a theme is looked at; a merge `into` another that is rehearsed."""

    as_of = When()
    into = fields.String(validate=validate.Length(1, 100))
    did = fields.String(validate=validate.OneOf(THEME_DEEDS))


class ThemeForm(ma.Schema):
    """What is done to themes. Unknown fields are let through: those that name what they pick (`topic-<id>`)."""

    class Meta:
        unknown = ma.INCLUDE

    do = fields.String(required=True, validate=validate.OneOf(THEME_DEEDS))
    label = text(2000, load_default="")
    status = text(100, load_default="")
    owner = text(2000, load_default="")
    into = text(100, load_default="")
    topic = text(100, load_default="")
    version = text(100, load_default="")
    before = text(20_000, load_default="")


class TeamTriggersQuery(lists.PageArgs):
    """Which receipts the page shows: also those of a person, by address, and one alone."""

    survey = text(100, 1)
    connection = text(100, 1)
    decision = fields.String(validate=validate.OneOf(DECISIONS))
    rule = text(100, 1)
    ticket = text(200, 1)
    email = text(254, 1)
    receipt = text(100, 1)
    since = When()
    until = When()
    did = fields.String(validate=validate.OneOf(("tried",)))


class MismatchQuery(ma.Schema):
    """Which survey, and where the page begins."""

    survey = text(100, 1)
    as_of = When()
    cursor = fields.String(validate=validate.Length(1, 500))


class ExploreQuery(ma.Schema):
    """A survey's value by a segment or by time (`interval`), and across another; as known at `as_of`."""

    survey = text(100, 1)
    by = text(150, 1)
    across = text(150, 1)
    interval = fields.String(validate=validate.OneOf(INTERVALS), load_default="month")
    since = When()
    until = When()
    as_of = When()
    delimiter = delimiter()


class PrivacyQuery(PersonQuery):
    """Whose request it is; what was just done, to say it."""

    did = fields.String(validate=validate.OneOf(("erased",)))


class TeamPeopleQuery(PersonQuery):
    """Which people the page shows."""

    name = text(200, 1)
    company = text(200, 1)
    did = fields.String(validate=validate.OneOf(("erased",)))


class BacktestQuery(ma.Schema):
    """Which survey's past is replayed, and the rules as they might be (`surveys.schemas.triggers.ChangedRules`)."""

    class Meta:
        unknown = ma.EXCLUDE

    survey = text(100, 1)
    since = When()
    until = When()


class FeedForm(ma.Schema):
    """What is done to one answer, to those picked (`pick-<id>`), or to the view itself.

    Unknown fields are let through: those that name what they pick, and those that others read.
    """

    class Meta:
        unknown = ma.INCLUDE

    do = fields.String(required=True, validate=validate.OneOf(ACTS))
    next = text(100, load_default="")
    sentiment = fields.String(validate=validate.OneOf(("negative", "neutral", "positive", "engine")))
    tag = text(200, load_default="")
    topic = text(100, load_default="")
    name = text(200, load_default="")
    id = text(100, load_default="")
