"""What comes in and goes out about the company that asks."""

import re
from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from surveys import brands, wording
from surveys.domain import fonts, pictures, weblinks
from surveys.schemas.kinds import COLOUR, LONG, SHORT, Truth, check, text, whole

#: As long as a data URL can be that holds a picture of the size that is taken, percent-encoded throughout.
_LONGEST = 3 * pictures.MOST_BYTES + 200

#: One pixel, as an example.
_DOT = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQ"
    "d1PeAAAADElEQVR42mMQL/QHAAF6ANjXqtK1AAAAAElFTkSuQmCC"
)


_HASH = re.compile(r"[0-9a-f]{32}")


class Picture(fields.String):
    """A picture as a data URL, or the address that shows one that is kept already."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        given = super()._deserialize(value, attr, data, **kwargs)
        _, brand, name = given.rpartition("/brand/")
        if brand and _HASH.fullmatch(name) and not given.startswith("data:"):
            return name
        check(len(given) <= _LONGEST, "Must not be larger than 100 KiB.")
        try:
            return pictures.of_data_url(given)
        except pictures.BadPicture as error:
            raise ma.ValidationError(str(error)) from None

    def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> str | None:
        return brands.Shown(**value).url if isinstance(value, Mapping) else value


class LogoBody(ma.Schema):
    """A logo on light and on dark paper: PNG, JPEG, WebP or SVG, at most 100 KiB each. One alone serves for both."""

    light = Picture(
        allow_none=True, metadata={"description": "A data URL, or the address of one that is kept."}
    )
    dark = Picture(allow_none=True)


class Font(fields.String):
    """Names of fonts, the most wanted first. None is loaded: readers see the first that they have."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        given = super()._deserialize(value, attr, data, **kwargs)
        check(len(given) <= SHORT, f"Must not be longer than {SHORT}.")
        made = fonts.normal(given)
        if made is None:
            raise ma.ValidationError(
                'Must be names with commas between, such as Inter, "Open Sans", sans-serif.'
            )
        return made


def _leads_out(url: str) -> None:
    check(
        weblinks.leads_where_it_says(url, "https"),
        "Must be an https address without a user name and with a port that there is.",
    )


class BrandBody(ma.Schema):
    """Who asks, as customers see it. What is left out is as it is without a brand."""

    example: dict[str, Any] = {
        "name": "Acme Bikes",
        "logo": {"light": _DOT, "dark": None},
        "color": "#17714f",
        "corner": 8,
        "font": '"Inter", sans-serif',
        "address": "Acme Bikes Ltd, 1 Mill Lane, Leeds LS1 4AA",
        "privacy_url": "https://acme.example/privacy",
    }

    name = text(SHORT, 1, allow_none=True)
    logo = fields.Nested(LogoBody, allow_none=True)
    color = fields.String(allow_none=True, validate=COLOUR)
    corner = whole(0, 28, allow_none=True, metadata={"description": "How round corners are, in pixels."})
    font = Font(allow_none=True)
    address = text(
        500, 1, allow_none=True, metadata={"description": "Of the company, by post; mail ends with it."}
    )
    privacy_url = fields.Url(
        allow_none=True, schemes={"https"}, validate=[validate.Length(max=LONG), _leads_out]
    )
    in_widget = Truth(
        allow_none=True,
        metadata={"description": "Show logo, corners and font in the widget too; the colour it has anyway."},
    )


class Formality(fields.String):
    """How respondents are addressed by the standard words, in languages that have a second wording for it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            allow_none=True,
            **options,
            validate=validate.OneOf(wording.FORMALITIES),
            metadata={
                "description": "How the standard words address respondents, in the languages that can do both; null: "
                "as is usual in each language."
            },
        )


class ServiceBrand(BrandBody):
    """The brand of the service, and how its surveys speak unless they say otherwise."""

    example = {**BrandBody.example, "in_widget": True, "formality": "informal"}

    formality = Formality()


class BrandOut(ServiceBrand):
    """The brand as it stands."""

    example = {**ServiceBrand.example, "notes": []}

    notes = fields.List(
        fields.String(),
        metadata={"description": "What the team should know, such as where a logo is not shown."},
    )
