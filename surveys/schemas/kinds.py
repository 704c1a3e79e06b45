"""Kinds of fields that many schemas share. They check form; they ask the database nothing."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import available_timezones

import marshmallow as ma
import structlog
from marshmallow import fields, validate

from surveys.base import clock, origins
from surveys.base.accounts import makers
from surveys.domain import addresses
from surveys.helpdesks import reading

log = structlog.get_logger()

#: BCP 47, as far as we use it.
TAG = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,4}")

LONG, SHORT = 2000, 200

#: What people write by hand. Pages say half of it, for forms send each end of a line as two letters.
WRITTEN = 10_000


#: What a value raises that is not what its field expects; a database that is away is no such fault.
_ODD = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)


class Stored(ma.Schema):
    """What is shown of a stored row. One that cannot be shown whole is shown in part, and takes no list with it."""

    unreadable = fields.List(
        fields.String(),
        dump_only=True,
        metadata={"description": "Only where something is wrong: fields whose stored value cannot be shown."},
    )

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        """As marshmallow's, but for fields that cannot be shown: they are null, named in `unreadable` and logged."""
        if self.many if many is None else many:
            return [self.dump(each, many=False) for each in obj]
        try:
            return super().dump(obj, many=False)
        except _ODD:
            return self._in_part(obj)

    def _in_part(self, row: Any) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        unreadable = []
        for name, field in self.dump_fields.items():
            try:
                value = field.serialize(name, row, accessor=self.get_attribute)
            except _ODD as error:
                log.error(
                    "a stored value cannot be shown",
                    row=self.get_attribute(row, "id", None),
                    field=name,
                    error=type(error).__name__,
                )
                unreadable.append(name)
                value = None
            if value is not ma.missing:
                shown[field.data_key or name] = value
        return {**shown, "unreadable": unreadable}


class NamedOut(ma.Schema):
    """An agent or a team as it was at that moment."""

    id = fields.String(allow_none=True)
    name = fields.String(allow_none=True)


class TicketOut(ma.Schema):
    """The ticket that it is about."""

    id = fields.String(allow_none=True)
    number = fields.String(allow_none=True)
    subject = fields.String(allow_none=True)
    url = fields.String(allow_none=True)
    channel = fields.String(allow_none=True)


def made(field: fields.Field, make: Callable[[Any], Any]) -> Any:
    """`field`, shown with what `make` makes of the whole row: fields.Function tells the document no type."""
    field.get_value = lambda row, *_, **__: make(row)  # type: ignore[method-assign]
    return field


def free(description: str, **options: Any) -> fields.Dict:
    """An object whose names are the callers' own."""
    return fields.Dict(
        keys=fields.String(),
        values=fields.Raw(allow_none=True),
        metadata={"description": description},
        **options,
    )


def kept(things: str, otherwise: str) -> fields.String:
    """Whether things stay although whoever made them goes."""
    return fields.String(
        validate=validate.OneOf(("0", "1")),
        load_default="0",
        metadata={"description": f"1: its {things} stay, as the service's; else they {otherwise}."},
    )


def why_paused() -> fields.String:
    """Why nothing leaves of something that goes on by itself; null while something may."""
    return fields.String(
        allow_none=True,
        validate=validate.OneOf(makers.REASONS),
        metadata={
            "description": "Why nothing leaves: whoever made it is not there any more (`maker_gone`), has a role that "
            "does not open it (`maker_role`), or may see no survey any more that it is about (`maker_limits`)."
        },
    )


class Moment(fields.AwareDateTime):
    """RFC 3339, from 1970 on; shown in UTC with `Z`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(format="iso", **options)

    def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> str | None:
        return clock.stamp(value)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> datetime:
        found = super()._deserialize(value, attr, data, **kwargs)
        try:
            return clock.possible(found)
        except ValueError:
            raise ma.ValidationError("Must be a moment since 1970.") from None


class Address(fields.Email):
    """An e-mail address of at most 254 letters, its domain in any script.

    Blanks and marks around it are a template's and no part of it: nobody's answer is refused for them.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(validate=validate.Length(max=254), **options)
        self.validators[0] = _address

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        given: str = super()._deserialize(value, attr, data, **kwargs)
        return addresses.bare(given)


def _address(value: str) -> None:
    local, at, domain = value.rpartition("@")
    # In A-labels: marshmallow's pattern knows no marks, which the letters of many scripts have; nor the root's dot.
    validate.Email()(local + at + addresses.normal_domain(domain))


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


#: A colour, and a line of text: patterns with what to say of those who break them.
COLOUR = validate.Regexp(r"#[0-9a-fA-F]{6}\Z", error="Must be a colour like #2f5bea.")
LINE = validate.Regexp(r"\S[^\x00-\x1f]*\Z", error="Must be one line of text, without blanks before it.")


def text(most: int, least: int = 0, **options: Any) -> fields.String:
    """Text of limited length."""
    return fields.String(validate=validate.Length(least, most), **options)


class Pasted(fields.String):
    """Text that is copied from elsewhere, such as a secret: blanks and line feeds around it are no part of it."""

    def __init__(self, most: int, least: int = 0, **options: Any) -> None:
        super().__init__(validate=validate.Length(least, most), **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        given: str = super()._deserialize(value, attr, data, **kwargs)
        return given.strip()


def check(condition: Any, message: str) -> None:
    """Refuse what is not so. Raises ValidationError."""
    # marshmallow 4: a validator that returns False passes; only raising refuses.
    if not condition:
        raise ma.ValidationError(message)


def language_tag(value: str) -> None:
    """BCP 47, as far as we use it."""
    check(TAG.fullmatch(value), "Is not a language tag such as de or pt-BR.")


def time_zone(value: str) -> None:
    """A name of the IANA database."""
    check(value in available_timezones(), "Is no time zone, such as Europe/Berlin.")


class Language(fields.String):
    """A language tag, or a name such as "Deutsch", of which the tag is kept; null when it may be."""

    def __init__(self, **options: Any) -> None:
        super().__init__(validate=language_tag, **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        found: str = super()._deserialize(value, attr, data, **kwargs)
        return reading.language(found) or found


class Properties(fields.Dict):
    """Up to 50 named values: text, numbers, true, false or null."""

    def __init__(self, **options: Any) -> None:
        super().__init__(keys=text(100, 1), values=fields.Raw(allow_none=True), **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> dict[str, Any]:
        found = super()._deserialize(value, attr, data, **kwargs)
        check(len(found) <= 50, "Must not have more than 50 names.")
        for item in found.values():
            check(
                item is None or isinstance(item, (str, int, float, bool)),
                "Values must be text, numbers or true/false.",
            )
            check(not isinstance(item, str) or len(item) <= LONG, f"Texts must not be longer than {LONG}.")
        return found


class Origin(fields.String):
    """What a browser sends as Origin, however it was typed: scheme, host, port; no path."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        given = super()._deserialize(value, attr, data, **kwargs)
        check(len(given) <= LONG, f"Must not be longer than {LONG}.")
        try:
            return origins.normal(given)
        except ValueError as error:
            raise ma.ValidationError(str(error)) from None


class ByLanguage(fields.Dict):
    """A text for each language, of at most `most` characters."""

    # marshmallow formats its messages.
    default_error_messages = {"invalid": 'Give it by language, such as {{"en": "…"}}.'}

    def __init__(self, most: int = 1000, **options: Any) -> None:
        super().__init__(
            keys=fields.String(validate=language_tag),
            values=text(most, 1),
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
        check(isinstance(value, dict) and len(value) <= 60, "Must map groups or languages to texts.")
        for item in value.values():
            inner = item.values() if isinstance(item, dict) else [item]
            check(
                len(inner) <= 60 and all(isinstance(t, str) and 1 <= len(t) <= 1000 for t in inner),
                "Texts must have 1 to 1000 characters.",
            )
        return value
