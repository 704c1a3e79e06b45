"""What comes in and goes out about surveys."""

import re
from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from surveys import brands, wording
from surveys.base import origins
from surveys.base.delivery import message
from surveys.base.http import lists
from surveys.domain import follow_ups, scales, weblinks
from surveys.domain.metrics import METRICS
from surveys.mail import invitation_mail
from surveys.schemas.brand import BrandBody, Font, Formality
from surveys.schemas.kinds import (
    COLOUR,
    LONG,
    SHORT,
    TAG,
    ByLanguage,
    ByName,
    Moment,
    Number,
    Origin,
    Stored,
    Truth,
    check,
    language_tag,
    text,
    whole,
)
from surveys.widget import script

STATUSES = ("active", "paused", "archived")

MODES = ("popover", "inline", "tab")

FOLLOW_UP_TYPES = ("text", "single_choice", "many_choices")

POSITIONS = ("bottom-right", "bottom-left", "top-right", "top-left")

THEMES = ("auto", "light", "dark")

# validate.Regexp looks from the beginning; only \Z is the end, for $ also stands before a last line feed.
_HOUR = r"([01][0-9]|2[0-3]):[0-5][0-9]\Z"


_ABSOLUTE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)(.*)", re.DOTALL)


class Page(fields.String):
    """A pattern for the pages of a website; one that could never fit is refused with the reason."""

    def __init__(self) -> None:
        super().__init__(metadata={"description": script.PAGES})

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        pattern = super()._deserialize(value, attr, data, **kwargs)
        check("," not in pattern and pattern.isprintable(), "Must be a pattern without commas.")
        pattern = pattern.strip()
        check(len(pattern) <= 500, "Must not be longer than 500.")
        forbids = "!" if pattern.startswith("!") else ""
        address = pattern.removeprefix("!")
        absolute = _ABSOLUTE.fullmatch(address)
        if absolute is None:
            check(
                address.startswith(("/", "*", "?", "#")),
                "Must begin with /, *, ?, # or a scheme such as https://, else it fits no address.",
            )
            return pattern
        origin, rest = absolute.groups()
        check(rest, "Must say which pages of the site: add / for its first page, or /* for all.")
        if "*" not in origin:
            try:
                origin = origins.normal(origin)
            except ValueError as error:
                raise ma.ValidationError(str(error)) from None
        check(
            origin.isascii() and origin == origin.lower(),
            "Must name the host as browsers do: in lower case, other letters as xn--….",
        )
        return forbids + origin + rest


class WidgetOptions(ma.Schema):
    """How and when the widget shows."""

    mode = fields.String(validate=validate.OneOf(MODES))
    position = fields.String(validate=validate.OneOf(POSITIONS))
    scale = fields.String(
        validate=validate.OneOf(scales.CHOICES),
        allow_none=True,
        metadata={
            "description": "How the points are drawn; null: as suits the metric. People may answer another scale "
            "differently, so a change raises `definition`."
        },
    )
    target = text(SHORT, allow_none=True)
    color = fields.String(validate=COLOUR)
    theme = fields.String(validate=validate.OneOf(THEMES))
    show_after_seconds = Number(validate=validate.Range(0, 86_400), allow_none=True)
    scroll_percent = Number(validate=validate.Range(0, 100), allow_none=True)
    exit_intent = Truth()
    click = text(SHORT, allow_none=True)
    device = Truth(
        metadata={
            "description": "Keep with each answer, as properties `device` (phone, tablet, computer) and `browser` "
            "(its family), what the visitor uses."
        }
    )
    pages = fields.List(
        Page(),
        validate=validate.Length(max=100),
    )


class LookQuery(ma.Schema):
    """A look to try, of no survey that there is."""

    metric = fields.String(validate=validate.OneOf(tuple(METRICS)), load_default="nps")
    lang = fields.String(validate=validate.OneOf(tuple(wording.LANGUAGES)), load_default=wording.FALLBACK)
    mode = fields.String(validate=validate.OneOf(MODES), load_default=MODES[0])
    position = fields.String(validate=validate.OneOf(POSITIONS), load_default=POSITIONS[0])
    theme = fields.String(validate=validate.OneOf(THEMES), load_default=THEMES[0])
    scale = fields.String(validate=validate.OneOf(scales.CHOICES), load_default=None)
    color = fields.String(validate=COLOUR, load_default=None)
    name = text(SHORT, load_default=None)
    corner = fields.Integer(validate=validate.Range(0, 28), load_default=None)
    font = Font(load_default=None)
    formality = Formality(load_default=None)
    in_widget = fields.String(validate=validate.OneOf(("0", "1")), load_default=None)

    @ma.pre_load
    def _filled_in(self, data: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        # A form sends the fields that nobody filled in too.
        return {name: value for name, value in data.items() if value != ""}


class SendWindowBody(ma.Schema):
    """The hours in which mail may go out, in the person's time zone when it is known; weekdays: 0 is Monday."""

    opens = fields.String(required=True, validate=validate.Regexp(_HOUR, error="Must be a time like 09:00."))
    closes = fields.String(required=True, validate=validate.Regexp(_HOUR, error="Must be a time like 17:30."))
    weekdays = fields.List(whole(0, 6), validate=validate.Length(1, 7))

    @ma.validates_schema
    def _opens_first(self, data: dict[str, Any], **_: Any) -> None:
        # A PATCH of the survey takes parts of it; of a window it takes the whole.
        check("opens" in data and "closes" in data, "Must have both opens and closes.")
        check(data["opens"] < data["closes"], "Must open before it closes, on the same day.")


def _mailbox(value: str) -> None:
    """Refuse an address that cannot stand in a mail: marshmallow takes all kinds of letters and blanks for one."""
    try:
        message.address(value, None)
    except message.DeliveryFailed:
        raise ma.ValidationError("Must be an address that mail can be sent to.") from None


class MailWords(ma.Schema):
    """Own words of the mail that asks; what is left out stays standard.

    `subject` and `text`, by language, may name {name}, {product}, {agent}, {team}, {ticket_number}, {ticket_subject}.
    """

    from_name = text(SHORT, 1, allow_none=True)
    reply_to = fields.Email(validate=[validate.Length(max=254), _mailbox], allow_none=True)
    subject = ByLanguage(allow_none=True)
    text = ByLanguage(5000, allow_none=True)

    @ma.validates_schema(skip_on_field_errors=True)
    def _fits(self, data: dict[str, Any], **_: Any) -> None:
        for name in ("subject", "text"):
            for words in (data.get(name) or {}).values():
                strange = [
                    p for p in re.findall(r"\{(\w+)\}", words) if p not in invitation_mail.PLACEHOLDERS
                ]
                _complain(
                    name, strange, f"may name {', '.join(invitation_mail.PLACEHOLDERS)}; not {strange[:1]}."
                )
                # Every link in a mail is ours (docs/promises.md, P8).
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
        check(isinstance(value, dict) and 1 <= len(value) <= 60, "Must map groups or languages to lists.")
        by_language = any(isinstance(item, list) for item in value.values())
        for each in [value] if by_language else value.values():
            check(isinstance(each, dict) and each, "Must map languages to lists of texts.")
            for choices in each.values():
                check(
                    isinstance(choices, list)
                    and 2 <= len(choices) <= 20
                    and all(isinstance(choice, str) and 1 <= len(choice) <= SHORT for choice in choices)
                    and len(set(choices)) == len(choices),
                    f"A list must have 2 to 20 different texts of 1 to {SHORT} characters.",
                )
            check(
                len({len(choices) for choices in each.values()}) == 1,
                "Every language must have the same choices in the same order.",
            )
        return value


def _leads_out(url: str) -> None:
    check(
        weblinks.leads_where_it_says(url, "https"),
        "Must be an https address without a user name and with a port that there is.",
    )


class ThanksLink(ma.Schema):
    """A link under the thanks, the same for every group."""

    url = fields.Url(required=True, schemes={"https"}, validate=[validate.Length(max=LONG), _leads_out])
    text = ByLanguage(required=True)

    @ma.pre_load
    def _for_everybody(self, data: Any, **_: Any) -> Any:
        groups = {group.key for metric in METRICS.values() for group in metric.groups}
        check(
            not (isinstance(data, dict) and groups & set(data)),
            "Must be the same for every group: to send only the happy ones somewhere is review gating.",
        )
        return data

    @ma.validates("text")
    def _says_something(self, words: dict[str, str], **_: Any) -> None:
        check(words, "Must say in one language at least what the link is.")


def _each_once(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


class Notes(fields.List):
    """What was changed in what was given, so that it can be read."""

    def __init__(self) -> None:
        super().__init__(fields.String(), dump_only=True, attribute="widget")

    def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> list[str]:
        brand = obj.get("brand") if isinstance(obj, dict) else obj.brand
        return script.notes(value) + brands.notes(brand or {})


class FollowUpRules(ma.Schema):
    """Which answers open a follow-up by themselves: scores up to a limit, strongly negative words whatever the score,
    people who want to be answered, and those whose scores fell twice in a row."""

    at_or_below = whole(-100, 100, allow_none=True)
    negative = Truth()
    contact = Truth()
    falling = Truth()


class Rules(fields.Nested):
    """Rules of follow-ups: what is not given is off."""

    def __init__(self) -> None:
        super().__init__(FollowUpRules, allow_none=True)

    def _deserialize(self, value: Any, attr: Any, data: Any, partial: Any = None, **kwargs: Any) -> Any:
        return {**follow_ups.OFF, **super()._deserialize(value, attr, data, partial, **kwargs)}

    def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        return {**follow_ups.OFF, **(value or {})}


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
    allowed_origins = fields.List(Origin(), validate=validate.Length(max=200), post_load=_each_once)
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
    signature_version = whole(
        1,
        2,
        metadata={
            "description": "2: only signatures `v2=…`, over `id:…` or `email:…`. 1: also those over the bare text."
        },
    )
    test_mode = Truth(
        metadata={
            "description": "While it is on, every answer that begins is a test: marked as such, and in no value."
        }
    )
    redact = Truth(
        metadata={
            "description": "Hide e-mail addresses, phone, card and IBAN numbers of comments in all feeds."
        }
    )
    open_follow_ups = Rules()
    ask_contact = Truth(
        metadata={"description": "Ask whether we may write to the respondent about the answer."}
    )
    segments = fields.List(
        text(100, 1),
        validate=validate.Length(max=5),
        post_load=_each_once,
        metadata={
            "description": "Properties that numbers are often asked by: they are counted by day in the background."
        },
    )
    widget = fields.Nested(WidgetOptions)
    brand = fields.Nested(
        BrandBody,
        allow_none=True,
        metadata={
            "description": "What this survey shows in the place of the service's brand, field by field."
        },
    )
    formality = Formality()
    notes = Notes()
    definition = fields.Integer(dump_only=True)
    created_at = Moment(dump_only=True)

    @ma.validates_schema
    def _words(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("metric") in METRICS:
            check_words(data["metric"], data)


def check_words(metric_key: str, data: dict[str, Any]) -> None:
    """Own words, and rules, must name groups and scores of the metric, and languages. Raises ValidationError."""
    metric = METRICS[metric_key]
    groups = {group.key for group in metric.groups}
    scores = {str(score) for score in metric.scores} | {"low", "high"}
    if data.get("follow_up_type", "text") != "text" and not data.get("choices"):
        raise ma.ValidationError({"choices": ["Are required: the follow-up offers them."]})
    limit = (data.get("open_follow_ups") or {}).get("at_or_below")
    if limit is not None and not metric.accepts(limit):
        off = f"Must be between {metric.minimum} and {metric.maximum}."
        raise ma.ValidationError({"open_follow_ups": {"at_or_below": [off]}})
    wanted = (data.get("widget") or {}).get("scale")
    refusal = scales.objection(metric, wanted) if wanted else None
    if refusal:
        raise ma.ValidationError({"widget": {"scale": [refusal]}})
    for name, known in (("follow_up", groups), ("thanks", groups), ("labels", scores), ("choices", groups)):
        for key, item in (data.get(name) or {}).items():
            inner = item if isinstance(item, dict) else {}
            languages = list(inner) if key in known else [key]
            strange = [tag for tag in languages if not TAG.fullmatch(tag)]
            strange += [k for k in inner if key not in known and k not in known]
            if key in known and not isinstance(item, dict):
                strange.append(key)
            if strange:
                names = ", ".join(sorted(known, key=lambda k: (len(k), k)))
                raise ma.ValidationError(
                    {name: [f"{strange[0]!r} does not fit: name one of {names}, and a language."]}
                )


class RefusedOriginOut(ma.Schema):
    """A website whose calls were refused."""

    origin = fields.String()
    count = fields.Integer()
    last_at = Moment()


class SurveyOut(Stored, SurveyBody):
    """A survey as it stands."""

    example = {
        **SurveyBody.example,
        "id": "sv_01k9z6w3m4v8h2q5t7x0c1d2e3",
        "status": "active",
        "definition": 1,
        "created_at": "2026-11-20T09:30:00.000Z",
        "refused_origins": [
            {"origin": "https://www.shop.example", "count": 3, "last_at": "2026-11-20T09:30:00.000Z"}
        ],
    }

    refused_origins = fields.List(
        fields.Nested(RefusedOriginOut),
        metadata={
            "description": "The newest that were refused: is one of them missing in `allowed_origins`?"
        },
    )


class SurveyCreated(Stored, SurveyBody):
    """A survey with the secret that signs identities, shown this once."""

    example = {
        **{name: value for name, value in SurveyOut.example.items() if name != "refused_origins"},
        "identity_secret": "4f0c…64 hexadecimal digits…9b1e",
    }

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


class SurveyQuery(lists.PageArgs):
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
    """Which of the survey's languages is shown; the first mail or, with `reminder=1`, the second."""

    lang = fields.String(validate=language_tag)
    reminder = fields.String(validate=validate.OneOf(("0", "1")), load_default="0")


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
