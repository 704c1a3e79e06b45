"""What comes in and goes out over HTTP. Schemas check form; they ask the database nothing."""

import re
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import marshmallow as ma
from marshmallow import fields, validate

from surveys import wording
from surveys.base import web
from surveys.base.accounts import SCOPES
from surveys.domain.metrics import METRICS

STATUSES = ("active", "paused", "archived")
CHANNELS = ("widget", "link", "email", "kiosk")
MODES = ("popover", "inline", "tab")
POSITIONS = ("bottom-right", "bottom-left", "top-right", "top-left")

_TAG = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,4}")
_COLOUR = r"^#[0-9a-fA-F]{6}$"

LONG, SHORT = 2000, 200


class Moment(fields.AwareDateTime):
    """RFC 3339; shown in UTC with `Z`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(format="iso", **options)

    def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> str | None:
        from surveys.base.clock import stamp

        return stamp(value)


def whole(low: int, high: int, **options: Any) -> fields.Integer:
    """A strict whole number: 4.9, "4" and true are not 4."""
    return _Whole(strict=True, validate=validate.Range(low, high), **options)


class _Whole(fields.Integer):
    def _validated(self, value: Any) -> Any:
        if type(value) is not int:
            raise self.make_error("invalid", input=value)
        return value


class Number(fields.Float):
    """A finite number, not a text of one."""

    def _validated(self, value: Any) -> Any:
        if type(value) not in (int, float):
            raise self.make_error("invalid", input=value)
        return super()._validated(value)


class Truth(fields.Boolean):
    """true or false, nothing that resembles them."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if type(value) is not bool:
            raise self.make_error("invalid", input=value)
        return value


def text(most: int, least: int = 0, **options: Any) -> fields.String:
    """Text of limited length."""
    return fields.String(validate=validate.Length(least, most), **options)


def _check(condition: Any, message: str) -> None:
    # marshmallow 4: a validator that returns False passes; only raising refuses.
    if not condition:
        raise ma.ValidationError(message)


def language_tag(value: str) -> None:
    """BCP 47, as far as we use it."""
    _check(_TAG.fullmatch(value), "Is not a language tag such as de or pt-BR.")


def origin(value: str) -> None:
    """What a browser sends as Origin: scheme, host, port; no path."""
    try:
        parts = urlsplit(value)
        plain = f"{parts.scheme}://{parts.hostname or ''}" + (
            f":{parts.port}" if parts.port is not None else ""
        )
    except ValueError:
        plain = None
    if plain is not None and ":" in (parts.hostname or ""):
        plain = plain.replace(parts.hostname or "", f"[{parts.hostname}]", 1)
    _check(
        value == plain and parts.hostname and parts.scheme in ("http", "https"),
        "Must be an origin such as https://shop.example, in lower case, without a path.",
    )


class Properties(fields.Dict):
    """Up to 50 named values: text, numbers, true, false or null."""

    def __init__(self, **options: Any) -> None:
        super().__init__(keys=text(100, 1), values=fields.Raw(allow_none=True), **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> dict[str, Any]:
        found = super()._deserialize(value, attr, data, **kwargs)
        _check(len(found) <= 50, "Must not have more than 50 names.")
        for item in found.values():
            _check(
                item is None or isinstance(item, (str, int, float, bool)),
                "Values must be text, numbers or true/false.",
            )
            _check(not isinstance(item, str) or len(item) <= LONG, f"Texts must not be longer than {LONG}.")
        return found


class PersonClaim(ma.Schema):
    """Who answers. With a valid `signature` the identity counts as verified, without as claimed."""

    id = text(SHORT, 1)
    email = fields.Email(validate=validate.Length(max=254))
    name = text(SHORT)
    signature = text(128)


class AnswerBody(ma.Schema):
    """One recording, or a later revision, of one response."""

    body_limit = web.PUBLIC_BODY
    types = ("application/json", "text/plain")

    id = fields.String(required=True)
    revision = whole(1, 1_000_000, load_default=1)
    survey = text(100, 1, required=True)
    score = fields.Raw(allow_none=True, metadata={"type": "integer"})
    comment = text(10_000, allow_none=True)
    answers = fields.Dict(keys=text(100, 1), values=fields.Raw(), allow_none=True)
    edit_key = text(128, 16)
    invitation = text(300, 1, allow_none=True)
    person = fields.Nested(PersonClaim, allow_none=True)
    touchpoint = text(SHORT, allow_none=True)
    language = fields.String(validate=language_tag, allow_none=True)
    page = text(LONG, allow_none=True)
    properties = Properties(allow_none=True)
    final = Truth()
    channel = fields.String(validate=validate.OneOf(CHANNELS))
    test = Truth()

    @ma.validates("id")
    def _uuid(self, value: str, **_: Any) -> None:
        try:
            web.new_uuid(value)
        except ValueError:
            raise ma.ValidationError("Must be a UUID.") from None

    @ma.validates("score")
    def _strict(self, value: Any, **_: Any) -> None:
        # The survey's scale is checked where the survey is known; here: a whole number at all.
        _check(value is None or type(value) is int, "Must be a whole number.")
        _check(value is None or -100 <= value <= 100, "Is outside every scale.")

    @ma.validates("answers")
    def _answers(self, value: Any, **_: Any) -> None:
        for item in (value or {}).values():
            _check(
                item is None
                or (isinstance(item, str) and len(item) <= 10_000)
                or isinstance(item, (int, float, bool))
                or (
                    isinstance(item, list)
                    and len(item) <= 100
                    and all(isinstance(i, str) and len(i) <= LONG for i in item)
                ),
                "Answers must be text, numbers, true/false or lists of texts.",
            )

    @ma.post_load
    def _tidy(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        data["id"] = web.new_uuid(data["id"])
        if data.get("page"):
            data["page"] = bare_page(data["page"])
        return data


def bare_page(address: str) -> str | None:
    """A page's address without query, fragment and credentials: they may name people."""
    try:
        parts = urlsplit(address)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return None
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


class RecordedBody(ma.Schema):
    """What a recording answers."""

    id = fields.String()
    survey = fields.String()
    score = fields.Integer(allow_none=True)
    group = fields.String(allow_none=True)
    revision = fields.Integer()
    created_at = Moment()
    editable_until = Moment()


class WidgetOptions(ma.Schema):
    """How and when the widget shows."""

    mode = fields.String(validate=validate.OneOf(MODES))
    position = fields.String(validate=validate.OneOf(POSITIONS))
    target = text(SHORT, allow_none=True)
    color = fields.String(validate=validate.Regexp(_COLOUR, error="Must be a colour like #2f5bea."))
    theme = fields.String(validate=validate.OneOf(("auto", "light", "dark")))
    show_after_seconds = Number(validate=validate.Range(0, 86_400), allow_none=True)
    scroll_percent = Number(validate=validate.Range(0, 100), allow_none=True)
    exit_intent = Truth()
    click = text(SHORT, allow_none=True)
    pages = fields.List(text(500, 1), validate=validate.Length(max=100))


class ByLanguage(fields.Dict):
    """A text for each language."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            keys=fields.String(validate=language_tag),
            values=text(1000, 1),
            validate=validate.Length(max=60),
            **options,
        )


class ByName(fields.Raw):
    """Texts by group (or score) and language, either first: `{"detractor": {"en": "…"}}`, `{"en": {"detractor": "…"}}`;
    or by language alone, for all groups.
    """

    def __init__(self, **options: Any) -> None:
        metadata = {"type": "object", "additionalProperties": True}
        super().__init__(metadata=metadata, allow_none=True, **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        _check(isinstance(value, dict) and len(value) <= 60, "Must map groups or languages to texts.")
        for item in value.values():
            inner = item.values() if isinstance(item, dict) else [item]
            _check(
                len(inner) <= 60 and all(isinstance(t, str) and 1 <= len(t) <= 1000 for t in inner),
                "Texts must have 1 to 1000 characters.",
            )
        return value


class SurveyBody(ma.Schema):
    """What is asked, of whom, and how."""

    class Meta:
        ordered = True

    id = fields.String(dump_only=True)
    name = text(SHORT, 1, required=True)
    metric = fields.String(required=True, validate=validate.OneOf(tuple(METRICS)))
    product = text(SHORT, allow_none=True)
    question = ByLanguage(allow_none=True)
    follow_up = ByName()
    thanks = ByName()
    labels = ByName()
    languages = fields.List(
        fields.String(validate=validate.OneOf(tuple(wording.LANGUAGES))), validate=validate.Length(1, 60)
    )
    status = fields.String(validate=validate.OneOf(STATUSES))
    allowed_origins = fields.List(fields.String(validate=origin), validate=validate.Length(max=200))
    sampling = Number(validate=validate.Range(0, 1))
    delay_minutes = whole(0, 525_600)
    quarantine_days = whole(0, 3650)
    wait_after_answer_days = whole(0, 3650)
    wait_after_decline_days = whole(0, 3650)
    answer_window_days = whole(1, 3650)
    edit_window_hours = whole(0, 87_600)
    priority = whole(-1000, 1000)
    require_signed_identity = Truth()
    widget = fields.Nested(WidgetOptions)
    definition = fields.Integer(dump_only=True)
    created_at = Moment(dump_only=True)

    @ma.validates_schema
    def _words(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("metric") in METRICS:
            check_words(data["metric"], data)


def check_words(metric_key: str, data: dict[str, Any]) -> None:
    """Own words must name groups and scores of the metric, and languages. Raises ValidationError."""
    metric = METRICS[metric_key]
    groups = {group.key for group in metric.groups}
    scores = {str(score) for score in metric.scores} | {"low", "high"}
    for name, known in (("follow_up", groups), ("thanks", groups), ("labels", scores)):
        for key, item in (data.get(name) or {}).items():
            inner = item if isinstance(item, dict) else {}
            languages = list(inner) if key in known else [key]
            strange = [tag for tag in languages if not _TAG.fullmatch(tag)]
            strange += [k for k in inner if key not in known and k not in known]
            if key in known and not isinstance(item, dict):
                strange.append(key)
            if strange:
                names = ", ".join(sorted(known, key=lambda k: (len(k), k)))
                raise ma.ValidationError(
                    {name: [f"{strange[0]!r} does not fit: name one of {names}, and a language."]}
                )


class SurveyOut(SurveyBody):
    """A survey as it stands."""


class SurveyCreated(SurveyBody):
    """A survey with the secret that signs identities, shown this once."""

    identity_secret = fields.String()


class SurveyPatch(SurveyBody):
    """What is to change; everything else stays."""

    def __init__(self, **options: Any) -> None:
        super().__init__(partial=True, **options)

    new_identity_secret = Truth(
        metadata={"description": "true: make a new identity secret and show it once."}
    )


class SurveyList(ma.Schema):
    """A page of surveys."""

    items = fields.List(fields.Nested(SurveyOut))
    next = fields.String(allow_none=True)


class SurveyQuery(web.PageArgs):
    """Which surveys."""

    status = fields.String(validate=validate.OneOf(STATUSES))


class DeleteQuery(ma.Schema):
    """What goes with it."""

    responses = fields.String(validate=validate.OneOf(("delete",)))


class QRQuery(ma.Schema):
    """What the code's link carries."""

    lang = fields.String(validate=language_tag)
    touchpoint = text(SHORT)
    kiosk = fields.String(validate=validate.OneOf(("1",)))


class SnippetQuery(ma.Schema):
    """How to embed."""

    mode = fields.String(validate=validate.OneOf(MODES))
    lang = fields.String(validate=language_tag)


class Snippet(ma.Schema):
    """What to paste into a page."""

    html = fields.String()
    script_url = fields.String()
    page_url = fields.String()


class KeyBody(ma.Schema):
    """A key to be made."""

    name = text(SHORT, 1, required=True)
    scopes = fields.List(
        fields.String(validate=validate.OneOf(tuple(SCOPES))), required=True, validate=validate.Length(min=1)
    )
    surveys = fields.List(
        text(100, 1), validate=validate.Length(max=1000), allow_none=True, load_default=None
    )


class KeyOut(ma.Schema):
    """A key without its secret."""

    id = fields.String()
    name = fields.String()
    scopes = fields.List(fields.String())
    surveys = fields.List(fields.String(), allow_none=True)
    prefix = fields.String()
    created_at = Moment()


class KeyCreated(KeyOut):
    """A key with its secret, shown this once."""

    key = fields.String()


class KeyList(ma.Schema):
    """A page of keys."""

    items = fields.List(fields.Nested(KeyOut))
    next = fields.String(allow_none=True)
