"""Rules and what they said, as they come in and go out."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import marshmallow as ma
from marshmallow import fields, validate

from feedback import segments
from feedback.domain import alarms, notices
from feedback.models import NoticeRule
from feedback.schemas.filters import HIGHEST, LOWEST, ViewFilters
from surveys.base.http import lists
from surveys.domain import addresses
from surveys.models import Webhook
from surveys.schemas.kinds import (
    LONG,
    SHORT,
    Address,
    Moment,
    Number,
    Pasted,
    Stored,
    Truth,
    check,
    free,
    made,
    text,
    whole,
    why_paused,
)
from surveys.webhooks import telling

#: What each kind takes beside its name: what it must have, and what it may have.
_PARTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    notices.SCORE: (("at_or_below",), ()),
    notices.VALUE: (("survey",), ("floor", "margin")),
    notices.ANSWER: ((), ()),
    notices.SURGE: ((), ()),
    notices.CAME_BACK: ((), ()),
    notices.OVERDUE: ((), ()),
}

#: What narrows a value: the segments, and properties.
_OF_VALUES = tuple(segments.SEGMENTS)

#: What each kind can be narrowed by; of answers it is all that narrows the feed, but for times.
_FILTERS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        notices.OF_ANSWERS,
        tuple(name for name in ViewFilters().fields if name not in ("since", "until", "counted")),
    ),
    notices.VALUE: _OF_VALUES,
    notices.SURGE: ("survey",),
    notices.CAME_BACK: ("topic",),
    notices.OVERDUE: ("survey", "person"),
}

#: The kinds that properties narrow too.
_OF_PROPERTIES = (*notices.OF_ANSWERS, notices.VALUE)


class WhenBody(ma.Schema):
    """What a rule is about. `value`: the value of a survey changed, by `floor` points at least."""

    kind = fields.String(required=True, validate=validate.OneOf(notices.KINDS))
    at_or_below = whole(LOWEST, HIGHEST, metadata={"description": "Of the kind score."})
    survey = text(100, 1, metadata={"description": "Of the kind value."})
    floor = Number(
        validate=validate.Range(0, 200),
        metadata={"description": f"Of the kind value, in points: {alarms.FLOOR:.0f} unless given."},
    )
    margin = whole(
        0,
        notices.MOST_MARGIN,
        metadata={"description": "Of the kind value: 0, or how far to be less strict than that."},
    )

    @ma.validates_schema(skip_on_field_errors=True)
    def _whole(self, data: Mapping[str, Any], **_: Any) -> None:
        needed, allowed = _PARTS[data["kind"]]
        wrong = {name: [f"Is needed with the kind {data['kind']}."] for name in needed if name not in data}
        for name in data.keys() - {"kind", *needed, *allowed}:
            wrong[name] = [f"Does not go with the kind {data['kind']}."]
        if wrong:
            raise ma.ValidationError(wrong)

    @ma.post_load
    def _complete(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        standard = {"floor": alarms.FLOOR, "margin": 0} if data["kind"] == notices.VALUE else {}
        return {**standard, **data}


class ToBody(ma.Schema):
    """Where notices go: a `kind` and its `address`; or the `id` of one that is there already, and stays.

    The address of a chat is a secret: it is kept sealed and never shown again.
    """

    id = text(100, 1)
    kind = fields.String(validate=validate.OneOf(notices.CARRIERS))
    address = Pasted(LONG, 1)

    @ma.validates_schema(skip_on_field_errors=True)
    def _whole(self, data: Mapping[str, Any], **_: Any) -> None:
        if "id" in data:
            if len(data) > 1:
                raise ma.ValidationError({"id": ["Goes without kind and address: it stays as it is."]})
            return
        for name in ("kind", "address"):
            if name not in data:
                raise ma.ValidationError({name: ["Is needed."]})
        try:
            if data["kind"] == "mail":
                Address().deserialize(data["address"])
            else:
                _check_web(data["address"])
        except ma.ValidationError as error:
            raise ma.ValidationError({"address": error.messages}) from None


class Terms(ma.Schema):
    """What a rule looks at: what it is about, which segment's values apart, and which answers."""

    example: dict[str, Any] = {
        "when": {"kind": "value", "survey": "sv_01k9z6w3m4v8h2q5t7x0c1d2e3", "floor": 5.0},
        "segment": None,
        "filters": {"language": "de"},
    }

    when = fields.Nested(WhenBody, required=True)
    segment = text(
        120,
        1,
        allow_none=True,
        load_default=None,
        metadata={
            "description": "Of the kind value: each value of it is watched by itself, as plan or agent."
        },
    )
    filters = free("Those of the feed, as far as they go with the kind.", load_default=dict)

    @ma.validates_schema(skip_on_field_errors=True)
    def _go_together(self, data: Mapping[str, Any], **_: Any) -> None:
        kind, segment = data["when"]["kind"], data.get("segment")
        if segment is not None:
            check_field("segment", kind == notices.VALUE, "Goes with the kind value alone.")
            is_one = segment in segments.SEGMENTS or (
                segment.startswith(segments.PROPERTY) and segment != segments.PROPERTY
            )
            known = ", ".join(segments.SEGMENTS)
            check_field("segment", is_one, f"Must be one of {known} or property:<name>.")
            check_field("segment", segment not in data["filters"], "Is narrowed to one value by the filters.")
        given = {name: value for name, value in data["filters"].items() if value is not None}
        wrong = {
            name: [f"Does not go with the kind {kind}."]
            for name in given
            if name not in _FILTERS[kind]
            and not (name.startswith(segments.PROPERTY) and kind in _OF_PROPERTIES)
        }
        if not wrong:
            try:
                ViewFilters().load(given, unknown=ma.INCLUDE)
            except ma.ValidationError as error:
                raise ma.ValidationError({"filters": error.messages}) from None
        if wrong:
            raise ma.ValidationError({"filters": wrong})

    @ma.post_load
    def _without_nothing(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if "filters" in data:
            given = {name: value for name, value in data["filters"].items() if value is not None}
            data["filters"] = ViewFilters().load(given, unknown=ma.INCLUDE)
        return data


class RuleTrial(Terms):
    """A rule to be tried on the last year; `name` and `to` may be left out."""

    example: dict[str, Any] = {**Terms.example}

    name = text(SHORT, 1)
    to = fields.List(fields.Nested(ToBody), validate=validate.Length(max=10))


class RuleBody(Terms):
    """A rule to be made. `enabled` false: it says nothing."""

    example: dict[str, Any] = {
        "name": "NPS of the checkout",
        **Terms.example,
        "to": [{"kind": "mail", "address": "team@example.com"}],
    }

    name = text(SHORT, 1, required=True)
    to = fields.List(fields.Nested(ToBody), required=True, validate=validate.Length(1, 10))
    enabled = Truth()


class RulePatch(ma.Schema):
    """What is to change; everything else stays. `to` takes the place of all there was."""

    example = {"snoozed_until": "2026-12-01T08:00:00Z"}

    name = text(SHORT, 1)
    when = fields.Nested(WhenBody)
    segment = text(120, 1, allow_none=True)
    filters = free("Those of the feed, as far as they go with the kind.")
    to = fields.List(fields.Nested(ToBody), validate=validate.Length(1, 10))
    enabled = Truth()
    snoozed_until = Moment(
        allow_none=True, metadata={"description": "Until then it is silent; null: it is not."}
    )


class WhenOut(ma.Schema):
    """What a rule is about; beside its kind only what belongs to that."""

    kind = fields.String()
    at_or_below = fields.Integer()
    survey = fields.String()
    floor = fields.Float()
    margin = fields.Integer()


class ToOut(Stored):
    """Where notices go. `address`: null where it is a secret; then `host` says whose it is.

    `secret`: what a webhook is signed with, shown once. `failures`: tries in a row that failed. Its deliveries are
    read, tested and sent again like those of a webhook of this `id`. `state`, of mail: waiting (whoever has no account
    is asked first, and gets nothing until they click), running or stopped (by its reader); else null.
    """

    id = fields.String()
    kind = fields.String()
    address = made(fields.String(allow_none=True), lambda row: _address(row))
    host = made(fields.String(allow_none=True), lambda row: _host(row))
    enabled = fields.Boolean()
    failures = fields.Integer()
    rests_until = Moment(allow_none=True)
    state = made(fields.String(allow_none=True), lambda row: row.state)
    paused = why_paused()
    secret = fields.String()

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        """Without the secret, unless the row says that it is fresh."""
        if self.many if many is None else many:
            return [self.dump(each, many=False) for each in obj]
        shown = super().dump(obj, many=False)
        if not (getattr(obj, "is_fresh", False) and obj.kind == telling.WEBHOOK):
            shown.pop("secret", None)
        return shown


class SpokenOut(ma.Schema):
    """A time at which a rule would have spoken, and what it would have said."""

    at = Moment()
    why = fields.String()
    over_at = Moment(allow_none=True, metadata={"description": "When it would have said that it is over."})


class RuleTrialOut(ma.Schema):
    """What a rule would have said in the last year, the latest 500 times; `times` counts all, up to 2,000.

    `by_chance_per_year`: how often a rule of a value speaks when its weeks are shuffled, so that nothing but chance is
    left in their order; null for what just happens, and where there is too little past. `watched_weeks`: how many weeks
    of the year had a past of 26 weeks before them.
    """

    example: dict[str, Any] = {
        "spoken": [
            {
                "at": "2026-03-16T00:00:00.000Z",
                "why": "NPS of Checkout fell from 32 to 14 since the week of 2 Mar 2026, by 212 answers.",
                "over_at": "2026-05-04T00:00:00.000Z",
            }
        ],
        "times": 1,
        "by_chance_per_year": 0.2,
        "watched_weeks": 52,
    }

    spoken = fields.List(fields.Nested(SpokenOut))
    times = fields.Integer()
    by_chance_per_year = fields.Float(allow_none=True)
    watched_weeks = fields.Integer()


class RuleOut(Stored):
    """A rule. `spoken_lately`: notices of the last four weeks; `flapping`: it speaks too often to be heard.

    `suggestion`: the same `when`, less strict, once three of its notices were called nothing. `backtest` comes when the
    rule is made or changed.
    """

    example: dict[str, Any] = {
        **{name: value for name, value in RuleBody.example.items() if name != "to"},
        "id": "rule_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "to": [
            {
                "id": "wh_01k9z6w3m4v8h2q5t7x0c1d2",
                "kind": "mail",
                "address": "team@example.com",
                "host": None,
                "enabled": True,
                "failures": 0,
                "rests_until": None,
                "state": "waiting",
                "paused": None,
            }
        ],
        "enabled": True,
        "snoozed_until": None,
        "spoken_lately": 0,
        "flapping": False,
        "suggestion": None,
        "paused": None,
        "created_at": "2026-11-20T09:30:00.000Z",
    }

    id = fields.String()
    name = fields.String()
    when = fields.Nested(WhenOut)
    segment = fields.String(allow_none=True)
    filters = free("Those of the feed.")
    to = fields.List(fields.Nested(ToOut))
    enabled = fields.Boolean()
    snoozed_until = Moment(allow_none=True)
    spoken_lately = fields.Integer()
    flapping = fields.Boolean()
    suggestion = fields.Nested(WhenOut, allow_none=True)
    backtest = fields.Nested(RuleTrialOut, allow_none=True)
    paused = why_paused()
    created_at = Moment()


class RuleList(ma.Schema):
    """Rules, newest first."""

    example = {"items": [RuleOut.example], "next": None}

    items = fields.List(fields.Nested(RuleOut))
    next = fields.String(allow_none=True)


class NoticeQuery(lists.PageArgs):
    """Which notices."""

    rule = text(100, 1)


class NoticePatch(ma.Schema):
    """What somebody says of a notice: true, it was of use; false, it was nothing; null, nothing is said."""

    example = {"useful": False}

    useful = Truth(required=True, allow_none=True)


class NoticeOut(Stored):
    """Something that a rule spoke of. `told`: whether it was sent, or kept back while the rule was snoozed.

    `over_at`: null while it lasts. `response`: the id of the answer that it is about.
    """

    example: dict[str, Any] = {
        "id": "ntc_01k9z6w3m4v8h2q5t7x0c1d2",
        "rule": "rule_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "why": "Somebody gave 2; the rule speaks at 3 and below.",
        "response": "4f0c2a52-7a3e-4f0e-8a55-0d6a4f5f1e11",
        "told": True,
        "useful": None,
        "began_at": "2026-11-20T09:30:00.000Z",
        "over_at": "2026-11-20T09:30:00.000Z",
    }

    id = fields.String()
    rule = fields.String()
    why = fields.String()
    response = fields.String(allow_none=True)
    told = fields.Boolean()
    useful = fields.Boolean(allow_none=True)
    began_at = Moment()
    over_at = Moment(allow_none=True)


class NoticeList(ma.Schema):
    """Notices, newest first."""

    example = {"items": [NoticeOut.example], "next": None}

    items = fields.List(fields.Nested(NoticeOut))
    next = fields.String(allow_none=True)


def check_field(name: str, condition: Any, message: str) -> None:
    """Refuse a field unless it is so."""
    if not condition:
        raise ma.ValidationError({name: [message]})


def stored(row: NoticeRule) -> dict[str, Any]:
    """A rule's terms as they would come in, for a change to be held against all of them."""
    return {"when": row.when, "segment": row.segment, "filters": row.filters}


# ------------------------------------------------------------------------------------------------------


def _check_web(address: str) -> None:
    try:
        parts = urlsplit(address)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_web = False
    check(is_web, "Must begin with https://.")


def _address(row: Webhook) -> str | None:
    if row.kind == telling.WEBHOOK:
        return row.url
    return addresses.readable(row.secret) if row.kind == "mail" else None


def _host(row: Webhook) -> str | None:
    return None if row.kind in (telling.WEBHOOK, "mail") else urlsplit(row.secret).hostname
