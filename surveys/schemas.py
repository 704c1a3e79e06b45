"""What comes in and goes out over HTTP. Schemas check form; they ask the database nothing."""

import base64
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import marshmallow as ma
from marshmallow import fields, validate

from surveys import links, mails, wording
from surveys.base import web
from surveys.base.accounts import SCOPES
from surveys.domain.metrics import METRICS
from surveys.helpdesks import HELPDESKS, reading, reception
from surveys.widget import script

STATUSES = ("active", "paused", "archived")
CHANNELS = ("widget", "link", "email", "kiosk")
MODES = ("popover", "inline", "tab")
FOLLOW_UP_TYPES = ("text", "single_choice", "many_choices")
POSITIONS = ("bottom-right", "bottom-left", "top-right", "top-left")

_TAG = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,4}")
_ORIGIN = re.compile(r"https?://([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
_HOUR = r"^([01]\d|2[0-3]):[0-5]\d$"
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
    # It is written into policies too, where a space or a semicolon would begin something else.
    _check(
        _ORIGIN.fullmatch(value),
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
    types: tuple[str, ...] = ("application/json", "text/plain")
    example = {
        "id": "6f1c1a52-6f0e-4b7e-9d59-3f2b8f6f7a10",
        "revision": 1,
        "survey": "sv_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "score": 9,
        "comment": "Quick and friendly.",
        "edit_key": "00112233445566778899aabbccddeeff",
        "touchpoint": "checkout",
        "language": "en",
    }

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

    example = {
        "id": "6f1c1a52-6f0e-4b7e-9d59-3f2b8f6f7a10",
        "survey": "sv_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "score": 9,
        "group": "promoter",
        "revision": 1,
        "created_at": "2026-11-20T09:30:00.000Z",
        "editable_until": "2026-11-27T09:30:00.000Z",
    }

    id = fields.String()
    survey = fields.String()
    score = fields.Integer(allow_none=True)
    group = fields.String(allow_none=True)
    revision = fields.Integer()
    created_at = Moment()
    editable_until = Moment()


class PageForm(ma.Schema):
    """The form of the hosted survey page. Fields that browsers and their extensions add are left out."""

    body_limit = web.PUBLIC_BODY
    types = ("multipart/form-data", "application/x-www-form-urlencoded")

    class Meta:
        unknown = ma.EXCLUDE

    form = fields.String(load_default="", metadata={"description": "The page's hidden token."})
    score = fields.String(load_default="", metadata={"description": "A whole number of the survey's scale."})
    comment = text(10_000, metadata={"description": "May follow later."})
    homepage = fields.String(load_default="", metadata={"description": "Left empty by people."})

    @ma.post_load
    def _tidy(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if "comment" in data:
            # Forms send line ends as CR LF (HTML, "constructing the entry list").
            data["comment"] = data["comment"].replace("\r\n", "\n").strip()
        return data


class UnsubscribeForm(ma.Schema):
    """What a mail program sends for one click (RFC 8058), and the button of our own page."""

    body_limit = web.PUBLIC_BODY
    types = ("multipart/form-data", "application/x-www-form-urlencoded")

    class Meta:
        unknown = ma.EXCLUDE

    list_unsubscribe = fields.String(
        data_key="List-Unsubscribe", required=True, validate=validate.OneOf(("One-Click",))
    )


class MyForm(ma.Schema):
    """One of the forms of a respondent's own page."""

    body_limit = web.PUBLIC_BODY
    types = ("multipart/form-data", "application/x-www-form-urlencoded")

    class Meta:
        unknown = ma.EXCLUDE

    do = fields.String(required=True, validate=validate.OneOf(("edit", "delete", "frequency")))
    response = fields.String(load_default="", metadata={"description": "Which answer."})
    score = fields.String(load_default="", metadata={"description": "A whole number of the survey's scale."})
    comment = text(10_000)
    frequency = fields.String(validate=validate.OneOf(("normal", "quarter", "never")))

    @ma.validates_schema
    def _whole(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("do") == "frequency" and "frequency" not in data:
            raise ma.ValidationError({"frequency": ["Say how often."]})

    @ma.post_load
    def _tidy(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if "comment" in data:
            data["comment"] = data["comment"].replace("\r\n", "\n").strip()
        return data


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
    pages = fields.List(
        fields.String(validate=validate.Regexp(r"^[^,]{1,500}$", error="Must be a pattern without commas.")),
        validate=validate.Length(max=100),
    )


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


class SendWindowBody(ma.Schema):
    """The hours in which mail may go out, in the person's time zone when it is known; weekdays: 0 is Monday."""

    opens = fields.String(required=True, validate=validate.Regexp(_HOUR, error="Must be a time like 09:00."))
    closes = fields.String(required=True, validate=validate.Regexp(_HOUR, error="Must be a time like 17:30."))
    weekdays = fields.List(whole(0, 6), validate=validate.Length(1, 7))

    @ma.validates_schema
    def _opens_first(self, data: dict[str, Any], **_: Any) -> None:
        # A patch checks nested objects as if they, too, might be given in part.
        whole_window = data.get("opens") and data.get("closes")
        _check(whole_window, "Needs both opens and closes.")
        _check(data["opens"] < data["closes"], "Must open before it closes, on the same day.")


class MailWords(ma.Schema):
    """Own words of the mail that asks; what is left out stays standard.

    `subject` and `text`, by language, may name {name}, {product}, {agent}, {team}, {ticket_number}, {ticket_subject}.
    """

    from_name = text(SHORT, 1, allow_none=True)
    reply_to = fields.Email(validate=validate.Length(max=254), allow_none=True)
    subject = ByLanguage(allow_none=True)
    text = fields.Dict(
        keys=fields.String(validate=language_tag), values=text(5000, 1), validate=validate.Length(max=60),
        allow_none=True,
    )  # fmt: skip

    @ma.validates_schema(skip_on_field_errors=True)
    def _fits(self, data: dict[str, Any], **_: Any) -> None:
        for name in ("subject", "text"):
            for words in (data.get(name) or {}).values():
                strange = [p for p in re.findall(r"\{(\w+)\}", words) if p not in mails.PLACEHOLDERS]
                _complain(name, strange, f"may name {', '.join(mails.PLACEHOLDERS)}; not {strange[:1]}.")
                # Every link in a mail is ours (promises.md, P8).
                _complain(name, "://" in words, "must hold no link.")


def _complain(name: str, wrong: Any, message: str) -> None:
    if wrong:
        raise ma.ValidationError({name: [message[0].upper() + message[1:]]})


class Choices(fields.Raw):
    """What can be chosen, by group and language or by language alone: `{"detractor": {"en": ["Price", "Speed"]}}`.

    A choice has one place in every language; what is kept is its text in the survey's first language.
    """

    def __init__(self, **options: Any) -> None:
        metadata = {"type": "object", "additionalProperties": True}
        super().__init__(metadata=metadata, allow_none=True, **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        _check(isinstance(value, dict) and 1 <= len(value) <= 60, "Must map groups or languages to lists.")
        by_language = any(isinstance(item, list) for item in value.values())
        for lists in [value] if by_language else value.values():
            _check(isinstance(lists, dict) and lists, "Must map languages to lists of texts.")
            for choices in lists.values():
                _check(
                    isinstance(choices, list)
                    and 2 <= len(choices) <= 20
                    and all(isinstance(choice, str) and 1 <= len(choice) <= SHORT for choice in choices)
                    and len(set(choices)) == len(choices),
                    f"A list must have 2 to 20 different texts of 1 to {SHORT} characters.",
                )
            _check(
                len({len(choices) for choices in lists.values()}) == 1,
                "Every language must have the same choices in the same order.",
            )
        return value


class ThanksLink(ma.Schema):
    """A link under the thanks, the same for every group."""

    url = fields.Url(required=True, schemes={"http", "https"}, validate=validate.Length(max=LONG))
    text = ByLanguage(required=True)

    @ma.pre_load
    def _for_everybody(self, data: Any, **_: Any) -> Any:
        groups = {group.key for metric in METRICS.values() for group in metric.groups}
        _check(
            not (isinstance(data, dict) and groups & set(data)),
            "Must be the same for every group: to send only the happy ones somewhere is review gating.",
        )
        return data


class Notes(fields.List):
    """What was changed in what was given, so that it can be read."""

    def __init__(self) -> None:
        super().__init__(fields.String(), dump_only=True, attribute="widget")

    def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> list[str]:
        return script.notes(value)


class SurveyBody(ma.Schema):
    """What is asked, of whom, and how."""

    class Meta:
        ordered = True

    example: dict[str, Any] = {
        "name": "Shop, after checkout",
        "metric": "nps",
        "product": "Acme Shop",
        "languages": ["en", "de"],
        "allowed_origins": ["https://shop.example"],
        "follow_up": {"detractor": {"en": "What went wrong?", "de": "Was lief schief?"}},
    }

    id = fields.String(dump_only=True)
    name = text(SHORT, 1, required=True)
    metric = fields.String(required=True, validate=validate.OneOf(tuple(METRICS)))
    product = text(SHORT, allow_none=True)
    question = ByLanguage(allow_none=True)
    follow_up = ByName()
    follow_up_type = fields.String(validate=validate.OneOf(FOLLOW_UP_TYPES))
    choices = Choices()
    thanks = ByName()
    thanks_link = fields.Nested(ThanksLink, allow_none=True)
    labels = ByName()
    mail = fields.Nested(MailWords, allow_none=True)
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
    person_budget = whole(0, 1000, allow_none=True)
    company_budget = whole(0, 100_000, allow_none=True)
    responses_per_week = whole(1, 1_000_000, allow_none=True)
    paced_sampling = fields.Float(dump_only=True, allow_none=True)
    skip_tags = fields.List(text(SHORT, 1), validate=validate.Length(max=200))
    staff_domains = fields.List(text(253, 1), validate=validate.Length(max=200))
    excluded_addresses = fields.List(text(254, 1), validate=validate.Length(max=1000))
    send_window = fields.Nested("SendWindowBody", allow_none=True)
    reminder_days = whole(1, 365, allow_none=True)
    require_signed_identity = Truth()
    redact = Truth(
        metadata={
            "description": "Hide e-mail addresses, phone, card and IBAN numbers of comments in all feeds."
        }
    )
    widget = fields.Nested(WidgetOptions)
    notes = Notes()
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
    if data.get("follow_up_type", "text") != "text" and not data.get("choices"):
        raise ma.ValidationError({"choices": ["Are required: the follow-up offers them."]})
    for name, known in (("follow_up", groups), ("thanks", groups), ("labels", scores), ("choices", groups)):
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

    example = {
        **SurveyBody.example,
        "id": "sv_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "status": "active",
        "definition": 1,
        "created_at": "2026-11-20T09:30:00.000Z",
    }


class SurveyCreated(SurveyBody):
    """A survey with the secret that signs identities, shown this once."""

    example = {**SurveyOut.example, "identity_secret": "4f0c…64 hexadecimal digits…9b1e"}

    identity_secret = fields.String()


class SurveyPatch(SurveyBody):
    """What is to change; everything else stays."""

    example = {"status": "paused"}

    def __init__(self, **options: Any) -> None:
        super().__init__(partial=True, **options)

    new_identity_secret = Truth(
        metadata={"description": "true: make a new identity secret and show it once."}
    )


class SurveyList(ma.Schema):
    """A page of surveys."""

    example = {"items": [SurveyOut.example], "next": None}

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


class PreviewQuery(ma.Schema):
    """In which of the survey's languages."""

    lang = fields.String(validate=language_tag)


class SnippetQuery(ma.Schema):
    """How to embed."""

    mode = fields.String(validate=validate.OneOf(MODES))
    lang = fields.String(validate=language_tag)


class Snippet(ma.Schema):
    """What to paste into a page."""

    example = {
        "html": '<script async src="https://surveys.example.com/w/sv_01k9z6w3m4v8h2q5t7x0c1d2e3.js"></script>',
        "script_url": "https://surveys.example.com/w/sv_01k9z6w3m4v8h2q5t7x0c1d2e3.js",
        "page_url": "https://surveys.example.com/s/sv_01k9z6w3m4v8h2q5t7x0c1d2e3",
    }

    html = fields.String()
    script_url = fields.String()
    page_url = fields.String()


class KeyBody(ma.Schema):
    """A key to be made."""

    example = {"name": "dashboard", "scopes": ["read"], "surveys": None}

    name = text(SHORT, 1, required=True)
    scopes = fields.List(
        fields.String(validate=validate.OneOf(tuple(SCOPES))), required=True, validate=validate.Length(min=1)
    )
    surveys = fields.List(
        text(100, 1), validate=validate.Length(max=1000), allow_none=True, load_default=None
    )


class KeyOut(ma.Schema):
    """A key without its secret."""

    example: dict[str, Any] = {
        **KeyBody.example,
        "id": "key_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "prefix": "ek_3f9a",
        "created_at": "2026-11-20T09:30:00.000Z",
    }

    id = fields.String()
    name = fields.String()
    scopes = fields.List(fields.String())
    surveys = fields.List(fields.String(), allow_none=True)
    prefix = fields.String()
    created_at = Moment()


class KeyCreated(KeyOut):
    """A key with its secret, shown this once."""

    example = {**KeyOut.example, "key": "ek_…"}

    key = fields.String()


class KeyList(ma.Schema):
    """A page of keys."""

    example = {"items": [KeyOut.example], "next": None}

    items = fields.List(fields.Nested(KeyOut))
    next = fields.String(allow_none=True)


class PersonBody(ma.Schema):
    """Somebody who may be asked, as a caller describes them. `id` is the caller's own, as in triggers."""

    example = {"id": "cust-881", "email": "robin@example.com", "name": "Robin Vale", "language": "fr"}

    id = text(SHORT, 1)
    email = fields.Email(validate=validate.Length(max=254))
    name = text(SHORT, allow_none=True)
    language = fields.String(validate=language_tag, allow_none=True)
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
    email = fields.Email(validate=validate.Length(max=254), allow_none=True)
    name = text(SHORT, allow_none=True)
    language = fields.String(validate=language_tag, allow_none=True)
    company = text(SHORT, allow_none=True)
    properties = Properties(allow_none=True)


class PersonOut(ma.Schema):
    """A person. `external_id` is the caller's own id; `verified` is false for an unsigned claim."""

    id = fields.String()
    external_id = fields.String(allow_none=True)
    email = fields.Function(lambda person: person.email or person.claimed_email)
    name = fields.String(allow_none=True)
    language = fields.String(allow_none=True)
    company = fields.String(allow_none=True)
    properties = fields.Function(lambda person: person.properties or {})
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


class PersonQuery(web.PageArgs):
    """Which people."""

    email = fields.String(validate=validate.Length(1, 254))
    id = fields.String(validate=validate.Length(1, SHORT), metadata={"description": "Ours or yours."})


class PersonExport(ma.Schema):
    """All that is kept about one person, by table."""

    people = fields.List(fields.String())
    exported_at = fields.String()
    tables = fields.Dict(keys=fields.String(), values=fields.List(fields.Dict()))


class Said(fields.String):
    """A value another system fills in: cleaned to one safe line; an unrendered placeholder is nothing said.

    `clean`: what reads it; null when nothing is left.
    """

    def __init__(self, clean: Callable[[Any], str | None] = reading.line, **options: Any) -> None:
        super().__init__(allow_none=True, **options)
        self.clean = clean

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        # Ids come as numbers from some systems; anything else that is no text is refused by the field.
        whole_number = type(value) is int
        found = super()._deserialize(str(value) if whole_number else value, attr, data, **kwargs)
        _check(not found or len(found) <= LONG, f"Must not be longer than {LONG}.")
        return self.clean(found) if found else None


class SaidAddress(Said):
    """An e-mail address; what is neither one nor an unrendered placeholder is refused."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        found = super()._deserialize(value, attr, data, **kwargs)
        given = reading.line(value)
        _check(found or not given or reading.PLACEHOLDER.search(given), "Is not an e-mail address.")
        return found


class PersonSaid(ma.Schema):
    """Whom to ask. `properties.time_zone`, an IANA name, says in which zone a send window holds."""

    email = SaidAddress(reading.email)
    id = Said(reading.ident)
    name = Said()
    language = fields.String(validate=language_tag, allow_none=True)
    company = Said()
    properties = Properties(allow_none=True)


class TicketSaid(ma.Schema):
    """The ticket as it is at this moment."""

    id = Said(reading.ident)
    number = Said(reading.ident)
    subject = Said()
    url = Said(reading.url)
    tags = fields.List(text(SHORT), validate=validate.Length(max=200), allow_none=True)
    channel = Said(reading.channel)
    solved_at = Moment(allow_none=True)

    @ma.post_load
    def _tidy(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        solved_at = data.pop("solved_at", None)
        data["resolution"] = reading.resolution(solved_at)
        data["tags"] = list(reading.tags(data.get("tags")))
        return data


class AgentSaid(ma.Schema):
    """Who is credited."""

    id = Said(reading.ident)
    name = Said()
    email = Said(reading.email)


class TeamSaid(ma.Schema):
    """Their team."""

    id = Said(reading.ident)
    name = Said()


class TriggerBody(ma.Schema):
    """Something happened at a touchpoint; whom do we ask?"""

    example = {
        "survey": "sv_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "person": {"email": "robin@example.com", "name": "Robin Vale", "language": "fr"},
        "touchpoint": "ticket solved",
        "ticket": {"id": "35436", "subject": "Refund for order 1042", "channel": "email"},
        "agent": {"id": "21", "name": "Sam Ortiz"},
        "delay_minutes": 60,
    }

    survey = text(100, 1, required=True)
    person = fields.Nested(PersonSaid, allow_none=True, load_default=None)
    touchpoint = Said(load_default=None)
    ticket = fields.Nested(TicketSaid, allow_none=True, load_default=None)
    agent = fields.Nested(AgentSaid, allow_none=True, load_default=None)
    team = fields.Nested(TeamSaid, allow_none=True, load_default=None)
    properties = Properties(allow_none=True, load_default=None)
    delay_minutes = whole(0, 525_600, allow_none=True, load_default=None)
    deliver = Truth(load_default=True)
    dry_run = Truth(load_default=False)
    on_block = fields.String(validate=validate.OneOf(("drop", "defer")), load_default="drop")


class InvitationLinks(ma.Schema):
    """What was made, and its links."""

    id = fields.String()
    url = fields.String()
    score_urls = fields.Dict(keys=fields.String(), values=fields.String())
    send_at = Moment()


class Receipt(ma.Schema):
    """What was decided, and why."""

    id = fields.String()
    decision = fields.String()
    rule = fields.String(allow_none=True)
    reason = fields.String(allow_none=True)
    next_eligible_at = Moment(allow_none=True)
    invitation = fields.Nested(InvitationLinks, allow_none=True)
    dry_run = fields.Boolean()


class StoredReceipt(Receipt):
    """A receipt as it is kept, with what was understood."""

    survey = fields.String(attribute="survey_id")
    connection = fields.String(attribute="connection_id", allow_none=True)
    person = fields.String(attribute="person_id", allow_none=True)
    body = fields.Dict(allow_none=True)
    delivery = fields.String(allow_none=True)
    created_at = Moment()


class ReceiptList(ma.Schema):
    """A page of receipts."""

    items = fields.List(fields.Nested(StoredReceipt))
    next = fields.String(allow_none=True)


DECISIONS = ("scheduled", "deferred", "suppressed", "sampled_out", "duplicate", "ignored")


class TriggerQuery(web.PageArgs):
    """Which receipts."""

    survey = text(100, 1)
    connection = text(100, 1)
    decision = fields.String(validate=validate.OneOf(DECISIONS))
    rule = text(100, 1)
    ticket = text(SHORT, 1)
    since = Moment()
    until = Moment()


class ChangedRules(ma.Schema):
    """Rules as they might be; what is left out stays as the survey has it."""

    quarantine_days = whole(0, 3650)
    wait_after_answer_days = whole(0, 3650)
    wait_after_decline_days = whole(0, 3650)
    priority = whole(-1000, 1000)
    sampling = Number(validate=validate.Range(0, 1))
    person_budget = whole(0, 1000, allow_none=True)
    company_budget = whole(0, 100_000, allow_none=True)
    skip_tags = fields.List(text(SHORT, 1), validate=validate.Length(max=200))
    staff_domains = fields.List(text(253, 1), validate=validate.Length(max=200))
    excluded_addresses = fields.List(text(254, 1), validate=validate.Length(max=1000))


class BacktestBody(ma.Schema):
    """Replay what happened in a period under other rules."""

    example = {
        "survey": "sv_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "since": "2026-09-01T00:00:00Z",
        "rules": {"quarantine_days": 7},
    }

    survey = text(100, 1, required=True)
    since = Moment(required=True)
    until = Moment(allow_none=True, load_default=None)
    rules = fields.Nested(ChangedRules, load_default=dict)

    @ma.validates_schema
    def _in_order(self, data: dict[str, Any], **_: Any) -> None:
        if data["until"] and data["until"] <= data["since"]:
            raise ma.ValidationError({"until": ["Must be after since."]})


class BacktestOut(ma.Schema):
    """How many would have been asked, and how many each rule would have refused."""

    triggers = fields.Integer()
    asked = fields.Integer()
    by_rule = fields.Dict(keys=fields.String(), values=fields.Integer())
    was = fields.Nested(
        ma.Schema.from_dict(
            {
                "asked": fields.Integer(),
                "by_rule": fields.Dict(keys=fields.String(), values=fields.Integer()),
            },
            name="BacktestWas",
        ),
        metadata={"description": "What was decided at the time."},
    )


class InvitationOut(ma.Schema):
    """An invitation as it stands, with agent, team and ticket as they were frozen."""

    id = fields.String()
    survey = fields.String(attribute="survey_id")
    person = fields.String(attribute="person_id", allow_none=True)
    connection = fields.String(attribute="connection_id", allow_none=True)
    channel = fields.String()
    status = fields.String()
    reason = fields.String(allow_none=True)
    touchpoint = fields.String(allow_none=True)
    language = fields.String(allow_none=True)
    agent = fields.Function(lambda row: _named(row.agent_id, row.agent_name))
    team = fields.Function(lambda row: _named(row.team_id, row.team_name))
    ticket = fields.Dict(allow_none=True)
    tags = fields.Function(lambda row: row.tags or [])
    properties = fields.Function(lambda row: row.properties or {})
    intents = fields.Function(
        lambda row: [] if row.answered_at else row.intents or [],
        metadata={"description": "Scores chosen by a link and not confirmed by anybody."},
    )
    scanned = fields.Boolean(
        metadata={"description": "A machine opened its links; its intents mean nothing."}
    )
    unverified = fields.Boolean()
    send_at = Moment(allow_none=True)
    sent_at = Moment(allow_none=True)
    reminded_at = Moment(allow_none=True)
    answered_at = Moment(allow_none=True)
    declined_at = Moment(allow_none=True)
    expires_at = Moment(allow_none=True)
    created_at = Moment()


def _named(id_: str | None, name: str | None) -> dict[str, str | None] | None:
    return {"id": id_, "name": name} if id_ or name else None


class InvitationList(ma.Schema):
    """A page of invitations."""

    items = fields.List(fields.Nested(InvitationOut))
    next = fields.String(allow_none=True)


INVITATION_STATUSES = (
    *("scheduled", "sending", "sent", "unknown", "answered", "declined", "expired", "cancelled", "failed"),
)


class InvitationQuery(web.PageArgs):
    """Which invitations."""

    survey = text(100, 1)
    person = text(100, 1)
    status = fields.String(validate=validate.OneOf(INVITATION_STATUSES))


class AskBody(ma.Schema):
    """May this person be asked now?"""

    example = {"person": {"id": "cust-881"}, "touchpoint": "checkout"}

    body_limit = web.PUBLIC_BODY
    types = ("application/json", "text/plain")

    person = fields.Nested(PersonClaim, required=True)
    touchpoint = text(SHORT, allow_none=True, load_default=None)

    @ma.validates("person")
    def _somebody(self, value: dict[str, Any], **_: Any) -> None:
        _check(value.get("id") or value.get("email"), "Give an id or an email.")


class AskOut(ma.Schema):
    """The answer; `invitation` is the token that goes with the response."""

    ask = fields.Boolean()
    rule = fields.String(allow_none=True)
    next_eligible_at = Moment(allow_none=True)
    invitation = fields.String(allow_none=True)


class EventBody(ma.Schema):
    """What became of the survey on the page."""

    example = {"invitation": None, "event": "shown"}

    body_limit = web.PUBLIC_BODY
    types = ("application/json", "text/plain")

    invitation = text(300, 1, allow_none=True, required=True)
    event = fields.String(required=True, validate=validate.OneOf(("shown", "dismissed")))


SHARED = reception.SHARED


class WriteBackBody(ma.Schema):
    """Credentials for the helpdesk's own API, as its page in docs/helpdesks says."""

    url = fields.String(validate=validate.Length(max=LONG), allow_none=True)
    user = text(SHORT, allow_none=True)
    token = text(LONG, 1, load_only=True)

    @ma.validates("url")
    def _web(self, value: str | None, **_: Any) -> None:
        _check(not value or urlsplit(value).scheme in ("http", "https"), "Must begin with https://.")


class ConnectionBody(ma.Schema):
    """A helpdesk account. `secret` is the signing key as the sender uses it; left out, one is made."""

    example: dict[str, Any] = {
        "name": "Support",
        "kind": "zendesk",
        "survey": "sv_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "secret": "the signing secret of the webhook",
    }

    id = fields.String(dump_only=True)
    name = text(SHORT, 1, required=True)
    kind = fields.String(required=True, validate=validate.OneOf(tuple(HELPDESKS)))
    survey = text(100, 1, required=True)
    secret = text(500, 8, load_only=True)
    proof = fields.String(allow_none=True)
    solved_statuses = fields.List(text(SHORT, 1), allow_none=True, validate=validate.Length(max=200))
    skip_tags = fields.List(text(SHORT, 1), validate=validate.Length(max=200))
    write_back = fields.Nested(WriteBackBody, allow_none=True)

    @ma.validates_schema(skip_on_field_errors=True)
    def _fits(self, data: dict[str, Any], **_: Any) -> None:
        if "kind" in data:
            check_connection(data)


def check_connection(data: dict[str, Any]) -> None:
    """Proof and secret must be ones that the helpdesk can use. Raises ValidationError."""
    known = (*HELPDESKS[data["kind"]].PROOFS, SHARED)
    if data.get("proof") is not None and data["proof"] not in known:
        raise ma.ValidationError({"proof": [f"Must be one of: {', '.join(known)}."]})
    secret = data.get("secret") or ""
    if data["kind"] == "generic" and secret.startswith("whsec_"):
        try:
            encoded = secret.removeprefix("whsec_").rstrip("=")
            base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        except ValueError:
            raise ma.ValidationError({"secret": ["What follows whsec_ must be base64."]}) from None


class ConnectionOut(ma.Schema):
    """A connection without its secret and its token."""

    id = fields.String()
    name = fields.String()
    kind = fields.String()
    survey = fields.String(attribute="survey_id")
    url = fields.Function(lambda row: links.connection(row.id))
    proof = fields.Function(lambda row: row.proof or HELPDESKS[row.kind].PROOF)
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


class PrintedSnippetQuery(ma.Schema):
    """What the helpdesk prints for ticket and agent, where it is not known to us."""

    lang = fields.String(validate=language_tag)
    ticket = text(SHORT, 1)
    agent = text(SHORT, 1)


class PrintedSnippet(ma.Schema):
    """What to paste into signatures and closing mails."""

    html = fields.String()
    score_urls = fields.Dict(keys=fields.String(), values=fields.String())
