"""The settings of a survey as one form: each field's name in the API, how it is typed, and what is sent of it.

Only what was changed in the form is sent, so what the form cannot show stays as it is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from feedback.dashboard import forms
from surveys import wording
from surveys.domain import scales
from surveys.domain.metrics import METRICS
from surveys.models import Survey
from surveys.schemas.surveys import MODES, POSITIONS, STATUSES, THEMES

#: The field that says that the form had boxes to tick: one that is not ticked is not sent.
TICKED = "ticks"

#: What stands for null in a field that knows a default too.
NEVER = "never"


@dataclass(frozen=True)
class Field:
    """One field. `name`: as the API has it, with a dot into an object; `kind`: how it is typed.

    line · lines (one a line) · whole, number (empty: none) · percent · tick · choice (empty: the default) · seconds (a
    number, `NEVER`, or empty for the default) · color · languages · word (in the language that the form is in) · text
    (several lines) · either (yes, no, or empty for the default) · picture (a file; what stands in the form is the hash
    of the one that is kept, or what was sent).
    """

    name: str
    kind: str
    choices: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Its name for an element of the page."""
        return self.name.replace(".", "-").replace(":", "-")

    @property
    def says(self) -> str:
        """The key of its label."""
        name = self.name.replace(":", ".") if self.name in _ENDS else self.name.partition(":")[0]
        return "survey.field." + name


#: What stands at the ends of the scale.
_ENDS = ("labels:low", "labels:high")

#: Numbers that may be left empty; without one the others are refused.
_MAY_BE_EMPTY = (
    "person_budget",
    "company_budget",
    "responses_per_week",
    "reminder_days",
    "open_follow_ups.at_or_below",
    "brand.corner",
)

#: Texts that may be left empty.
_NO_TEXT = ("product", "mail.from_name", "mail.reply_to", "formality")

YES, NO = "yes", "no"

#: What ticks that no picture is to be there, behind the field's name.
WITHOUT = ":none"

#: The company, of a survey and of the service.
BRAND = (
    Field("brand.name", "line"),
    Field("brand.logo.light", "picture"),
    Field("brand.logo.dark", "picture"),
    Field("brand.color", "color"),
    Field("brand.corner", "whole"),
    Field("brand.font", "line"),
    Field("brand.in_widget", "either", (YES, NO)),
    Field("brand.address", "text"),
    Field("brand.privacy_url", "line"),
)


def groups(survey: Survey) -> list[tuple[str, list[Field]]]:
    """The fields of a survey's form, in groups with the key of each group's name."""
    scored = [group.key for group in reversed(METRICS[survey.metric].groups)]
    return [
        (
            "what",
            [
                Field("name", "line"),
                Field("product", "line"),
                Field("status", "choice", STATUSES),
                Field("languages", "languages"),
            ],
        ),
        (
            "words",
            [
                Field("question", "word"),
                *(Field(name, "word") for name in _ENDS),
                *(Field(f"follow_up:{key}", "word") for key in scored),
                *(Field(f"thanks:{key}", "word") for key in scored),
                Field("mail.subject", "word"),
                Field("mail.text", "word"),
                Field("formality", "choice", wording.FORMALITIES),
            ],
        ),
        ("brand", list(BRAND)),
        (
            "widget",
            [
                Field("allowed_origins", "lines"),
                Field("widget.mode", "choice", MODES),
                Field("widget.position", "choice", POSITIONS),
                Field("widget.theme", "choice", THEMES),
                Field("widget.scale", "choice", _scales(survey)),
                Field("widget.color", "color"),
                Field("widget.show_after_seconds", "seconds"),
                Field("widget.scroll_percent", "number"),
                Field("widget.exit_intent", "tick"),
                Field("widget.click", "line"),
                Field("widget.pages", "lines"),
            ],
        ),
        (
            "mail",
            [
                Field("mail.from_name", "line"),
                Field("mail.reply_to", "line"),
                Field("delay_minutes", "whole"),
                Field("reminder_days", "whole"),
            ],
        ),
        (
            "rules",
            [
                Field("sampling", "percent"),
                Field("quarantine_days", "whole"),
                Field("wait_after_answer_days", "whole"),
                Field("wait_after_decline_days", "whole"),
                Field("answer_window_days", "whole"),
                Field("edit_window_hours", "whole"),
                Field("person_budget", "whole"),
                Field("company_budget", "whole"),
                Field("responses_per_week", "whole"),
                Field("priority", "whole"),
                Field("skip_tags", "lines"),
                Field("staff_domains", "lines"),
                Field("excluded_addresses", "lines"),
            ],
        ),
        (
            "answers",
            [
                Field("ask_contact", "tick"),
                Field("redact", "tick"),
                Field("widget.device", "tick"),
                Field("require_signed_identity", "tick"),
                Field("segments", "lines"),
                Field("open_follow_ups.at_or_below", "whole"),
                Field("open_follow_ups.negative", "tick"),
                Field("open_follow_ups.contact", "tick"),
                Field("open_follow_ups.falling", "tick"),
            ],
        ),
    ]


def _scales(survey: Survey) -> tuple[str, ...]:
    """The scales that the survey may choose."""
    metric = METRICS[survey.metric]
    return tuple(choice for choice in scales.CHOICES if scales.objection(metric, choice) is None)


def fields(survey: Survey) -> Iterable[Field]:
    """All fields of a survey's form."""
    return (field for _, group in groups(survey) for field in group)


def shown(survey: Survey, language: str) -> dict[str, str]:
    """What stands in the form of a survey, by the name of the field; "1" for what is ticked."""
    return {field.name: text_of(field, _stored(survey, field, language)) for field in fields(survey)}


def changes(
    survey: Survey, language: str, given: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """What a form changes, as the body of a PATCH, and what is no number by the name of the field."""
    before = shown(survey, language)
    body: dict[str, Any] = {}
    wrong: dict[str, list[str]] = {}
    for field in fields(survey):
        text = typed(field, given, before["languages"])
        if text is None or text == before[field.name]:
            continue
        try:
            _put(body, survey, field, language, value_of(field, text))
        except ValueError:
            wrong[field.name] = ["not_a_number"]
    return body, wrong


def joined(survey: Survey, language: str, given: Mapping[str, str]) -> tuple[dict[str, str], list[Field]]:
    """What a form shows after somebody else has saved, and the fields that they changed.

    All of theirs, and over it what was changed in this form since it was shown.
    """
    return merged(fields(survey), shown(survey, language), given)


def merged(
    among: Iterable[Field], values: dict[str, str], given: Mapping[str, str]
) -> tuple[dict[str, str], list[Field]]:
    """`joined` for any fields: `values` is what stands there now."""
    before = forms.before(given)
    every = list(among)
    theirs = [field for field in every if before.get(field.name, values[field.name]) != values[field.name]]
    for field in every:
        value = typed(field, given, str(before.get("languages", "")))
        if value is not None and value != before.get(field.name):
            values[field.name] = value
    return values, theirs


def typed(field: Field, given: Mapping[str, str], languages: str = "") -> str | None:
    """What the form says in a field; None where it has no such field.

    `languages`: those that were chosen before. They keep their order, for the first is the default.
    """
    if field.kind == "tick":
        return given.get(field.name, "") if TICKED in given else None
    if field.kind == "languages":
        order = dict.fromkeys([*languages.split(), *wording.LANGUAGES])
        chosen = [tag for tag in order if given.get(f"language:{tag}")]
        return "\n".join(chosen) if TICKED in given else None
    if field.kind == "picture":
        return "" if given.get(field.name + WITHOUT) else given.get(field.name) or None
    text = given.get(field.name)
    if text is None:
        return None
    text = text.replace("\r\n", "\n").strip()
    return "\n".join(_lines(text)) if field.kind == "lines" else text


def value_of(field: Field, typed: str) -> Any:
    """What a PATCH says for what was typed. Raises ValueError for what is no number."""
    if field.kind in ("lines", "languages"):
        return _lines(typed)
    if field.kind == "tick":
        return typed == "1"
    if field.kind == "whole":
        return int(typed) if typed or field.name not in _MAY_BE_EMPTY else None
    if field.kind == "percent":
        return round(float(typed) / 100, 6)
    if field.kind == "number":
        return float(typed) if typed else None
    if field.kind == "seconds":
        return NEVER if typed == NEVER else float(typed) if typed else None
    if field.kind == "either":
        return typed == YES if typed else None
    return typed or None


def text_of(field: Field, value: Any) -> str:
    """What stands in the form for a value."""
    if field.kind in ("lines", "languages"):
        return "\n".join(value or [])
    if field.kind == "tick":
        return "1" if value else ""
    if field.kind == "either" and value is not None:
        return YES if value else NO
    if value is None:
        return ""
    if field.kind == "percent":
        return f"{100 * value:g}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def logos(said: Mapping[str, Any]) -> dict[str, str]:
    """The logos of a brand that is kept, as the API takes them."""
    return {scheme: f"/brand/{logo['hash']}" for scheme, logo in said.get("logo", {}).items()}


def picture_of(said: Mapping[str, Any], part: str) -> str | None:
    """The hash of the picture at `part` ("logo.light") of a brand that is kept."""
    name, _, scheme = part.partition(".")
    return said.get(name, {}).get(scheme, {}).get("hash")


# ------------------------------------------------------------------------------------------------------


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _put(body: dict[str, Any], survey: Survey, field: Field, language: str, value: Any) -> None:
    """Put a value where the API has it; objects are changed as a whole."""
    name, _, group = field.name.partition(":")
    name, _, part = name.partition(".")
    if field.kind == "word":
        words = _begun(body, survey, name)
        if group:
            body[name] = _by_group(survey, name, words)
            words = body[name].setdefault(group, {})
        elif part:
            words[part] = dict(words.get(part) or {})
            words = words[part]
        if value is None:
            words.pop(language, None)
        else:
            words[language] = value
        _without_empty(body, name, part)
    elif part:
        into = _begun(body, survey, name)
        part, _, inner = part.partition(".")
        if inner:
            into[part] = {**(into.get(part) or {}), inner: value}
        elif name == "widget" and value is None:
            into.pop(part, None)
        else:
            into[part] = None if value == NEVER else value
    else:
        body[name] = value if value is not None or name in (*_NO_TEXT, *_MAY_BE_EMPTY) else ""


def _begun(body: dict[str, Any], survey: Survey, name: str) -> dict[str, Any]:
    """The object of this name that the PATCH puts in the place of the survey's."""
    if name not in body:
        body[name] = dict(getattr(survey, name) or {})
        if name == "brand":
            body[name]["logo"] = logos(body[name])
    found: dict[str, Any] = body[name]
    return found


def _by_group(survey: Survey, name: str, words: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Words of follow-up or thanks by group, of labels by score, then language, however they were given."""
    keys = (
        _scores(survey)
        if name == "labels"
        else {each.key: each.key for each in METRICS[survey.metric].groups}
    )
    found: dict[str, dict[str, str]] = {}
    for key, item in words.items():
        if key in keys:
            found.setdefault(keys[key], {}).update(item)
        elif isinstance(item, str):
            for group in keys.values():
                found.setdefault(group, {}).setdefault(key, item)
        else:
            for group, text in item.items():
                found.setdefault(keys[group], {})[key] = text
    return found


def _scores(survey: Survey) -> dict[str, str]:
    """What labels may be named by, and the one name of each: the ends of the scale have two."""
    metric = METRICS[survey.metric]
    names = {str(score): str(score) for score in metric.scores}
    return {**names, str(metric.minimum): "low", str(metric.maximum): "high", "low": "low", "high": "high"}


def _without_empty(body: dict[str, Any], name: str, part: str) -> None:
    if part and not body[name].get(part):
        body[name][part] = None
    if not part:
        body[name] = {key: item for key, item in body[name].items() if item} or None


def _stored(survey: Survey, field: Field, language: str) -> Any:
    name, _, group = field.name.partition(":")
    name, _, part = name.partition(".")
    value = getattr(survey, name)
    if field.kind == "word":
        if group:
            return _by_group(survey, name, value or {}).get(group, {}).get(language)
        words = (value or {}).get(part) if part else value
        return (words or {}).get(language)
    if field.kind == "picture":
        return picture_of(value or {}, part)
    if part:
        if field.kind == "seconds" and value and part in value and value[part] is None:
            return NEVER
        return (value or {}).get(part)
    return value
