"""Whose survey it is: what customers see of the company, for the service and over it for a survey."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from surveys import links
from surveys.base import clock, db
from surveys.base.errors import Clash, Refused
from surveys.domain import pictures
from surveys.domain.pictures import Picture
from surveys.models import Brand, Logo, Survey

#: What a brand says; what it leaves out is as it is without one.
FIELDS = (
    "name", "logo", "color", "corner", "font", "address", "privacy_url", "in_widget", "formality",
)  # fmt: skip

SCHEMES = ("light", "dark")

#: A logo that no brand shows any more is kept this long: mail that shows it lies in mailboxes.
KEPT_FOR = timedelta(days=400)

#: The one row of the service's own.
_SERVICE = 1


@dataclass(frozen=True)
class Shown:
    """A logo as brands name it: its hash and type, width and height in pixels; `data`: itself, while it is not kept."""

    hash: str
    type: str
    width: int
    height: int
    data: str | None = None

    @property
    def url(self) -> str:
        """Where everybody finds it."""
        return self.data or links.to(f"/brand/{self.hash}")

    def fitted(self, width: int, height: int) -> tuple[int, int]:
        """Its size in whole pixels once it is made to fit into `width` × `height`, never larger than it is."""
        share = min(width / self.width, height / self.height, 1 if self.type != pictures.SVG else 1e9)
        return max(1, round(self.width * share)), max(1, round(self.height * share))


@dataclass(frozen=True)
class Look:
    """A brand as pages and mails show it; None and no logo where nothing was said."""

    name: str | None = None
    logos: Mapping[str, Shown] | None = None
    color: str | None = None
    corner: int | None = None
    font: str | None = None
    address: str | None = None
    privacy_url: str | None = None
    privacy_of: str | None = None
    """The survey whose own privacy page it is; None where it is the service's."""
    in_widget: bool | None = None
    """Whether the widget wears logo, corners and font too."""
    formality: str | None = None

    def logo(self, scheme: str) -> Shown | None:
        """The logo on light or dark paper; the other one where there is only that."""
        found = self.logos or {}
        return found.get(scheme) or next(iter(found.values()), None)

    def options(self, widget: Mapping[str, Any]) -> dict[str, Any]:
        """A survey's own looks, in this brand's colour where they name none."""
        return {**({"color": self.color} if self.color else {}), **widget}

    def worn(self) -> dict[str, Any]:
        """What the widget wears beside the colour: `name`, `logos` by scheme as (address, width, height), `corner`,
        `font`; nothing unless it is wanted there.
        """
        if not self.in_widget:
            return {}
        logos = {scheme: (shown.url, *shown.fitted(150, 28)) for scheme, shown in (self.logos or {}).items()}
        found = {"name": self.name, "logos": logos, "corner": self.corner, "font": self.font}
        return {name: value for name, value in found.items() if value not in (None, {})}


NONE = Look()


def stored() -> dict[str, Any]:
    """What the service's own brand says, as it is kept."""
    row = _row(_SERVICE)
    return dict(row.said) if row is not None else {}


def version() -> str:
    """What the service's brand is now, in short: another one has another version."""
    row = _row(_SERVICE)
    return clock.stamp(row.updated_at) or "" if row is not None else ""


_row = db.Lookup(Brand.id, shared=True)


def service() -> Look:
    """The service's own brand."""
    return _look(stored())


def of(survey: Survey) -> Look:
    """The brand of a survey: its own where it says something, else the service's."""
    own, common = survey.brand or {}, stored()
    tone = {"formality": survey.formality} if survey.formality else {}
    return _look({**common, **own, **tone}, survey.id if own.get("privacy_url") else None)


def replace(said: Mapping[str, Any], now: datetime, known: str | None = None) -> dict[str, Any]:
    """Put another brand in the place of the service's own. Raises Refused for a logo that is not there.

    `known`: the version that is to be replaced. Raises Clash where it is another by now.
    """

    def verb() -> dict[str, Any]:
        kept = keep(said, now)
        db.serialise("brand")
        if known is not None and known != version():
            raise Clash("Somebody changed the brand meanwhile.")
        if Brand.update(said=kept, updated_at=now).where(Brand.id == _SERVICE).execute() == 0:
            Brand.create(id=_SERVICE, said=kept, updated_at=now)
        return kept

    return db.write(verb)


def keep(said: Mapping[str, Any], now: datetime, field: str = "logo") -> dict[str, Any]:
    """A brand as it is kept, its pictures in a table of their own. For a transaction of whoever keeps it.

    `field`: what the logo is called where it is refused. Raises Refused for a logo that is not there.
    """
    kept = _said(said)
    logos = {scheme: given for scheme, given in (said.get("logo") or {}).items() if given}
    if logos:
        kept["logo"] = {scheme: _kept(given, now, f"{field}.{scheme}") for scheme, given in logos.items()}
    return kept


def tried(said: Mapping[str, Any]) -> dict[str, Any]:
    """A brand as `keep` makes it, its pictures in it: nothing is kept. For a survey that is in no table."""
    logos = {}
    for scheme, given in (said.get("logo") or {}).items():
        if isinstance(given, Picture):
            logos[scheme] = _facts(given) | {"data": pictures.data_url(given.type, given.content)}
        elif given and (row := Logo.get_or_none(Logo.hash == given)) is not None:
            logos[scheme] = _facts(row)
    return _said(said) | ({"logo": logos} if logos else {})


def alone(said: Mapping[str, Any]) -> dict[str, Any]:
    """The same brand for a survey that shows nothing of the service's."""
    return dict.fromkeys(FIELDS) | dict(said)


def picture(hash: str) -> tuple[str, bytes] | None:
    """The type and the bytes of a logo; None where there is none."""
    row = Logo.get_or_none(Logo.hash == hash)
    return None if row is None else (row.type, base64.b64decode(row.content))


def tidy(now: datetime) -> None:
    """Forget the logos that no brand has shown for KEPT_FOR."""

    def verb() -> None:
        rows = Survey.select(Survey.brand).where(Survey.brand.is_null(False))
        brands = [stored(), *(row.brand for row in rows)]
        shown = {logo["hash"] for said in brands for logo in said.get("logo", {}).values()}
        if shown:
            Logo.update(shown_at=now).where(Logo.hash.in_(sorted(shown))).execute()
        Logo.delete().where(Logo.shown_at < now - KEPT_FOR).execute()

    db.write(verb)


def notes(said: Mapping[str, Any]) -> list[str]:
    """What the team should know of a brand as it is kept: where mail shows the name in the logo's place."""
    return [
        f"brand.logo.{scheme}: mail programs do not show {logo['type']}; mail shows the name in its place. "
        "Give a PNG or a JPEG to have it shown there too."
        for scheme, logo in said.get("logo", {}).items()
        if logo["type"] not in pictures.MAILED
    ]


# ------------------------------------------------------------------------------------------------------


def _said(said: Mapping[str, Any]) -> dict[str, Any]:
    """What says something, but for the logo; a corner of 0 and a No do."""
    return {name: said[name] for name in FIELDS if name != "logo" and said.get(name) not in (None, "")}


def _kept(given: Picture | str, now: datetime, field: str) -> dict[str, Any]:
    """A picture that was sent, or the hash of one that is kept already."""
    if isinstance(given, str):
        row = Logo.get_or_none(Logo.hash == given)
        if row is None:
            raise Refused("Is no logo that is kept here; send it as a data URL.", field)
        Logo.update(shown_at=now).where(Logo.hash == given).execute()
        return _facts(row)
    facts = _facts(given)
    content = base64.b64encode(given.content).decode()
    Logo.insert(**facts, content=content, shown_at=now).on_conflict(
        conflict_target=[Logo.hash], update={Logo.shown_at: now}
    ).execute()
    return facts


def _facts(picture: Any) -> dict[str, Any]:
    return {name: getattr(picture, name) for name in ("hash", "type", "width", "height")}


def _look(said: Mapping[str, Any], privacy_of: str | None = None) -> Look:
    logos = {scheme: Shown(**logo) for scheme, logo in (said.get("logo") or {}).items()}
    rest = {name: said[name] for name in FIELDS if name in said and name != "logo"}
    return Look(**rest, logos=logos, privacy_of=privacy_of)
