"""People who may be asked: found or made from what a caller says of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import peewee

from surveys.base import db, ids, signing
from surveys.models import Person, Survey

#: Stands for what was not given; no address and no id of ours looks like this.
NOBODY = "-"


@dataclass(frozen=True)
class Identity:
    """Who somebody says to be; `verified` when a signature or a key's holder vouches for it."""

    external_id: str | None = None
    email: str | None = None
    name: str | None = None
    verified: bool = False

    @property
    def known(self) -> bool:
        """True when there is something to find the person by."""
        return bool(self.external_id or self.email)


def identity_secret(survey: Survey) -> str:
    """The secret a website signs identities with: derived, so that it is kept nowhere and shown once."""
    return signing.derive("identity", survey.id, str(survey.identity_generation))


def identity(survey: Survey, given: dict[str, Any] | None, vouched: bool = False) -> Identity | None:
    """What a respondent's `person` proves: hex HMAC-SHA256 over `id` when given, else over the lower-cased e-mail.

    `vouched`: a key's holder says so, and no signature is needed.
    """
    if not given:
        return None
    external_id, email = given.get("id") or None, normal_email(given.get("email"))
    signed = external_id or email
    verified = vouched or bool(
        signed
        and given.get("signature")
        and signing.same(
            signing.hmac_sha256_hex(identity_secret(survey), signed), str(given["signature"]).lower()
        )
    )
    return Identity(external_id, email, given.get("name") or None, verified)


def normal_email(email: str | None) -> str | None:
    """An address as it is compared: trimmed and lower-case."""
    return email.strip().lower() or None if email else None


def find_or_create(who: Identity, now: datetime) -> Person | None:
    """The person of an identity, made if new; None when the identity names nobody. Call it in a transaction.

    Verified and merely claimed people are kept apart, so that a claim can never change what we know of, or
    when we ask, somebody else. With a signed id an e-mail is only claimed and finds nobody.
    """
    if not who.known:
        return None
    by_email = who.email if not who.external_id else None
    where = ((Person.external_id == who.external_id) if who.external_id else (Person.email == by_email)) & (
        Person.verified == who.verified
    )
    person = Person.get_or_none(where)
    if person is None:
        try:
            with db.database.atomic():
                person = Person.create(
                    id=ids.new("per"),
                    external_id=who.external_id,
                    email=by_email,
                    claimed_email=who.email if who.external_id else None,
                    name=who.name,
                    verified=who.verified,
                    created_at=now,
                )
        except peewee.IntegrityError:
            person = Person.get(where)
        return person
    changes: dict[str, Any] = {}
    if who.name and who.name != person.name:
        changes["name"] = who.name
    if who.external_id and who.email and who.email != person.claimed_email:
        changes["claimed_email"] = who.email
    if changes:
        Person.update(**changes).where(Person.id == person.id).execute()
        for name, value in changes.items():
            setattr(person, name, value)
    return person


def named(
    email: str | None = None, external_id: str | None = None, person_id: str | None = None
) -> list[Person]:
    """Everybody, verified or claimed, who goes by this address or id."""
    address = normal_email(email)
    where = (
        (Person.email == (address or NOBODY))
        | (Person.claimed_email == (address or NOBODY))
        | (Person.external_id == (external_id or NOBODY))
        | (Person.id == (person_id or NOBODY))
    )
    return list(Person.select().where(where).order_by(Person.created_at))


class Clash(Exception):
    """Somebody else goes by that address or id already."""


#: What a key's holder may say of a person besides the identity.
DESCRIBED = ("name", "language", "company", "properties")


def put(who: Identity, described: dict[str, Any], now: datetime) -> tuple[Person, bool]:
    """Make the verified person of an identity, or bring what is known up to date; the row and whether it is new.

    `described`: only the values given of DESCRIBED; what is not given stays as it is.
    """

    def verb() -> tuple[Person, bool]:
        person = find_or_create(who, now)
        if person is None:
            raise ValueError("an identity needs an id or an e-mail address")
        created = person.created_at == now
        return _described(person, described), created

    return db.write(verb)


def change(person: Person, values: dict[str, Any]) -> Person:
    """Change what is known of a person: DESCRIBED, `email`, `external_id`. Raises Clash and LookupError."""

    def verb() -> Person:
        row = Person.get_or_none(Person.id == person.id)
        if row is None:
            raise LookupError(person.id)
        given = dict(values)
        if "external_id" in given:
            row.external_id = given.pop("external_id")
        if "email" in given:
            _set_email(row, normal_email(given.pop("email")))
        elif row.external_id is None and row.email is None:
            _set_email(row, row.claimed_email)
        if not row.external_id and not row.email:
            raise Clash("A person needs an id or an e-mail address.")
        try:
            with db.database.atomic():
                row.save()
        except peewee.IntegrityError:
            raise Clash("Somebody else goes by that address or id.") from None
        return _described(row, given)

    return db.write(verb)


def unsubscribe(person: Person, now: datetime) -> Person:
    """Send no more mail surveys to this person, whatever row the address stands in. The first moment stays."""

    def verb() -> Person:
        addresses = [address for address in (person.email, person.claimed_email) if address]
        same = Person.id == person.id
        if addresses:
            same = same | Person.email.in_(addresses) | Person.claimed_email.in_(addresses)
        Person.update(unsubscribed_at=now).where(same & Person.unsubscribed_at.is_null()).execute()
        return Person.get_by_id(person.id)

    return db.write(verb)


def _set_email(row: Person, email: str | None) -> None:
    # Beside an id of the website's own an address finds nobody: it is kept apart, see find_or_create().
    row.email, row.claimed_email = (None, email) if row.external_id else (email, None)


def _described(person: Person, values: dict[str, Any]) -> Person:
    changes = {name: value for name, value in values.items() if getattr(person, name) != value}
    if changes:
        Person.update(**changes).where(Person.id == person.id).execute()
        for name, value in changes.items():
            setattr(person, name, value)
    return person
