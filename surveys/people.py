"""People who may be asked: found or made from what a caller says of them."""

import functools
import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import peewee
from peewee import SQL, fn

from surveys.base import db, ids, signing
from surveys.base.errors import Clash, Missing
from surveys.domain import addresses
from surveys.models import Person, Survey

#: Stands for what was not given; no address and no id of ours looks like this.
NOBODY = "-"


@dataclass(frozen=True)
class Identity:
    """Who somebody says to be; `verified` when a signature or a key's holder vouches for it.

    `vouched`: a key's holder names id and address as one person's, so that the address is known, not claimed.
    """

    external_id: str | None = None
    email: str | None = None
    name: str | None = None
    verified: bool = False
    vouched: bool = False

    @property
    def known(self) -> bool:
        """True when there is something to find the person by."""
        return bool(self.external_id or self.email)

    @property
    def address(self) -> str | None:
        """The address, unless it is only claimed: a signature covers the id alone when one is given."""
        return self.email if self.verified and (self.vouched or not self.external_id) else None


def identity_secret(survey: Survey) -> str:
    """The secret a website signs identities with: derived, so that it is kept nowhere and shown once."""
    return signing.derive("identity", survey.id, str(survey.identity_generation))


def identity(survey: Survey, given: dict[str, Any] | None, vouched: bool = False) -> Identity | None:
    """What a respondent's `person` proves by its signature, see `_is_signed`.

    `vouched`: a key's holder says so: no signature is needed, and an address beside an id is known, not claimed.
    """
    if not given:
        return None
    external_id, typed = given.get("id") or None, addresses.as_typed(given.get("email"))
    signature = str(given.get("signature") or "").strip().lower()
    verified = vouched or _is_signed(survey, external_id, typed, signature)
    return Identity(external_id, addresses.normal(typed), given.get("name") or None, verified, vouched)


def _is_signed(survey: Survey, external_id: str | None, email: str | None, signature: str) -> bool:
    """Whether a website signed this id, or the lower-cased address where there is none: a hex HMAC-SHA256.

    The address is as it was typed, whichever way its domain is spelled.
    `v2=` stands before one over `id:` and the id, or `email:` and the address. Without it, it is over the bare text,
    so that one over an id that looks like an address is also one over the address: `signature_version` 2 takes none.
    """
    signed = external_id or email
    if not signed or not signature:
        return False
    if signature.startswith("v2="):
        signed = f"id:{external_id}" if external_id else f"email:{email}"
    elif survey.signature_version > 1:
        return False
    return signing.same(
        signing.hmac_sha256_hex(identity_secret(survey), signed), signature.removeprefix("v2=")
    )


def find_or_create(who: Identity, now: datetime, rows: Sequence[Person] | None = None) -> Person | None:
    """The person of an identity, made if new; None when the identity names nobody. Call it in a transaction.

    `rows`: what `hold` gave for this identity in this transaction; nothing is read again then.
    Verified and merely claimed people are kept apart, so that a claim can never change what we know of, or
    when we ask, somebody else. With a signed id an e-mail is only claimed and finds nobody.
    """
    if not who.known:
        return None
    by_email = who.email if not who.external_id else None
    person = _found(who) if rows is None else next((row for row in rows if _is(row, who)), None)
    if person is None:
        person = Person(
            id=ids.new("per"),
            external_id=who.external_id,
            email=by_email,
            claimed_email=who.email if who.external_id else None,
            known_email=who.email if who.external_id and who.vouched else None,
            name=who.name,
            verified=who.verified,
            created_at=now,
        )
        # Somebody else may just have made them.
        return person if _insert(person) else _found(who)
    changes: dict[str, Any] = {}
    if who.name and who.name != person.name:
        changes["name"] = who.name
    if who.external_id and who.email and who.email != person.claimed_email:
        changes["claimed_email"] = who.email
    if who.vouched and who.external_id and who.email and who.email != person.known_email:
        # A bounce was the old address's.
        changes |= {"known_email": who.email, "bounced_at": None}
    return describe(person, changes)


def describe(person: Person, values: dict[str, Any]) -> Person:
    """Keep what of `values` (name, language, company …) differs from the row. Call it in a transaction."""
    changes = {name: value for name, value in values.items() if getattr(person, name) != value}
    if changes:
        Person.update(**changes).where(Person.id == person.id).execute()
        for name, value in changes.items():
            setattr(person, name, value)
    return person


def same(who: Identity) -> list[Person]:
    """Every verified row of one person: those of the id and those of the address, found over one another.

    A website may know somebody by its id and a helpdesk by the address; whom a key's holder named by both is one.
    Addresses that were only claimed lead nowhere.
    """
    return _same(who, lambda external_id: _by_external_id(True, external_id), at_address)


def at_address(address: str) -> list[Person]:
    """Every row of an address, claims too."""
    return _at_address(address, address)


@dataclass(frozen=True)
class Together:
    """Rows that were read for many people at once, verified ones by id and all by address: what `same` and `at_address`
    give for each of them, without a statement.
    """

    by_id: Mapping[str, list[Person]]
    by_address: Mapping[str, list[Person]]

    def same(self, who: Identity) -> list[Person]:
        """As the function `same`."""
        return _same(who, lambda external_id: self.by_id.get(external_id, []), self.at_address)

    def at_address(self, address: str) -> list[Person]:
        """As the function `at_address`."""
        return self.by_address.get(address, [])


def together(persons: Sequence[Person]) -> Together:
    """Read the rows of some people, and of all addresses that lead from them to others: in few statements, however many
    they are.
    """
    by_id: dict[str, list[Person]] = {row.external_id: [] for row in persons if row.external_id}
    named: Any = Person.select().where(Person.verified, Person.external_id.in_(list(by_id)))
    for row in named if by_id else ():
        by_id[row.external_id].append(row)
    known = [*persons, *(row for rows in by_id.values() for row in rows)]
    by_address: dict[str, list[Person]] = {}
    while fresh := {a for row in known for a in addresses_of(row)} - by_address.keys():
        by_address |= {address: [] for address in fresh}
        found = {
            row.id: row
            for column in (Person.email, Person.known_email)
            for row in Person.select().where(column.in_(sorted(fresh)))
        }
        for row in found.values():
            for address in fresh.intersection(addresses_of(row)):
                by_address[address].append(row)
        known = [row for row in found.values() if row.verified]
    return Together(by_id, by_address)


def linked(person_ids: Collection[str]) -> set[str]:
    """Those of some people whom other rows may stand for too; each of the others is one row alone (`same`).

    No two verified rows have one id, or one `email`: an address that is known beside an id is what links them.
    """
    return {id_ for (id_,) in _linked(ids=db.listed(sorted(person_ids))).fetchall()} if person_ids else set()


def _build_linked() -> Any:
    other = Person.alias()
    pairs = (
        (other.known_email, Person.email),
        (other.email, Person.known_email),
        (other.known_email, Person.known_email),
    )
    others = [
        fn.EXISTS(other.select(SQL("1")).where(other.verified, other.id != Person.id, theirs == mine))
        for theirs, mine in pairs
    ]
    is_linked = functools.reduce(operator.or_, others)
    return Person.select(Person.id).where(db.is_among(Person.id, "ids"), Person.verified, is_linked)


_linked = db.Prepared(_build_linked)


def _same(
    who: Identity, by_id: Callable[[str], list[Person]], at: Callable[[str], list[Person]]
) -> list[Person]:
    found = {row.id: row for row in by_id(who.external_id)} if who.external_id else {}
    asked: set[str] = set()
    fresh = {who.address} if who.address else set()
    while fresh := (fresh | {a for row in found.values() for a in addresses_of(row)}) - asked:
        for each in fresh:
            found |= {row.id: row for row in at(each) if row.verified}
        asked |= fresh
    return sorted(found.values(), key=lambda row: (row.created_at, row.id))


_insert = db.Insert(Person, action="nothing")
_by_external_id = db.Rows(Person, Person.verified, Person.external_id)
_by_email = db.Rows(Person, Person.verified, Person.email)
_at_address = db.Rows(Person, Person.email, Person.known_email, any_of=True)


def _found(who: Identity) -> Person | None:
    rows = (
        _by_external_id(who.verified, who.external_id)
        if who.external_id
        else _by_email(who.verified, who.email)
    )
    return rows[0] if rows else None


def _is(row: Person, who: Identity) -> bool:
    """What `_found` looks for."""
    same = row.external_id == who.external_id if who.external_id else row.email == who.email
    return same and row.verified == who.verified


def addresses_of(row: Person) -> list[str]:
    """The addresses that a row goes by, without a mere claim beside an id."""
    return [address for address in (row.email, row.known_email) if address]


def claims(who: Identity) -> list[Person]:
    """Who claimed, without a proof, to be this: by id when one is given, else by address."""
    return _by_external_id(False, who.external_id) if who.external_id else _by_email(False, who.email)


def address(who: Identity | None, rows: list[Person]) -> str | None:
    """Where mail to a person may go: what the caller named, else what is known; never a mere claim."""
    if who is not None and who.address:
        return who.address
    return next((address for row in rows for address in addresses_of(row)), None)


def identity_of(person: Person) -> Identity:
    """The identity by which a stored person is found again."""
    known = person.email or person.known_email
    return Identity(person.external_id, known, verified=person.verified, vouched=True)


def hold(who: Identity, *more: str) -> list[Person]:
    """Everybody else who writes about this person, or about one of the things in `more`, waits; the person's rows.

    Call it in a transaction, whose end lets go.
    """
    rows = same(who)
    names = {f"id {each}" for each in [who.external_id, *(row.external_id for row in rows)] if each}
    names |= {f"email {a}" for a in [who.address, *(a for row in rows for a in addresses_of(row))] if a}
    db.serialise(*names, *more)
    # SQLite's one writer has waited already; on PostgreSQL somebody may just have let go.
    return rows if db.on_sqlite() else same(who)


def named(
    email: str | None = None, external_id: str | None = None, person_id: str | None = None
) -> list[Person]:
    """Everybody, verified or claimed, who goes by this address or id."""
    address = addresses.normal(email)
    where = (
        (Person.email == (address or NOBODY))
        | (Person.claimed_email == (address or NOBODY))
        | (Person.known_email == (address or NOBODY))
        | (Person.external_id == (external_id or NOBODY))
        | (Person.id == (person_id or NOBODY))
    )
    return list(Person.select().where(where).order_by(Person.created_at))


def known_among(addresses: Sequence[str]) -> set[str]:
    """Those of some normal addresses that somebody, verified or claimed, goes by; however many, in three statements."""
    given = db.listed(addresses)
    return {row[0] for column in _named_by for row in column(addresses=given).fetchall()}


def _among(column: Any) -> db.Prepared:
    return db.Prepared(lambda: Person.select(column).where(db.is_among(column, "addresses")))


_named_by = [_among(column) for column in (Person.email, Person.known_email, Person.claimed_email)]


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
        return describe(person, described), created

    return db.write(verb)


def change(person: Person, values: dict[str, Any]) -> Person:
    """Change what is known of a person: DESCRIBED, `email`, `external_id`. Raises Clash and Missing."""

    def verb() -> Person:
        row = Person.get_or_none(Person.id == person.id)
        if row is None:
            raise Missing
        given = dict(values)
        if "external_id" in given:
            row.external_id = given.pop("external_id")
        if "email" in given:
            _set_email(row, addresses.normal(given.pop("email")))
        elif row.external_id is None and row.email is None:
            # Without the id, a verified person would be known by what was only claimed.
            _set_email(row, row.known_email if row.verified else row.claimed_email)
        if not row.external_id and not row.email:
            raise Clash("A person needs an id or an e-mail address.")
        try:
            with db.database.atomic():
                row.save()
        except peewee.IntegrityError:
            raise Clash("Somebody else goes by that address or id.") from None
        return describe(row, given)

    return db.write(verb)


def unsubscribe(person: Person, now: datetime) -> Person:
    """Send no more mail surveys to this person, in whatever row they stand. The first moment stays.

    An address that they only claim is somebody else's and leads nowhere.
    """

    def verb() -> Person:
        _refuse_mail(own_rows(person), now)
        return Person.get_by_id(person.id)

    return db.write(verb)


def unsubscribe_address(address: str, now: datetime) -> bool:
    """Send no more mail surveys to whoever has an address; False when it is nobody's."""

    def verb() -> bool:
        rows = owners(address)
        _refuse_mail(rows, now)
        return bool(rows)

    return db.write(verb)


def is_unsubscribed(rows: Sequence[Person]) -> bool:
    """Whether somebody, whose rows are `rows`, gets no mail surveys because they want none."""
    return any(row.unsubscribed_at is not None for row in rows)


def resubscribe(rows: Sequence[Person]) -> None:
    """Somebody, whose rows are `rows`, wants to get surveys by mail again, also who asked never to be asked."""
    query = Person.update(unsubscribed_at=None, never_ask=False)
    db.write(query.where(Person.id.in_([row.id for row in rows])).execute)


def owners(address: str) -> list[Person]:
    """The rows of whoever has an address, with mere claims of it."""
    return list({row.id: row for found in at_address(address) for row in own_rows(found)}.values())


def own_rows(person: Person) -> list[Person]:
    """The rows that stand and fall with this one: those of the same person, and mere claims of their address."""
    if not person.verified:
        return [person]
    rows = {row.id: row for row in (person, *same(identity_of(person)))}
    for each in {address for row in rows.values() for address in addresses_of(row)}:
        rows |= {row.id: row for row in at_address(each)}
    return list(rows.values())


def suppress(address: str, at: datetime) -> str | None:
    """Write no more to an address, to which mail bounced for good at `at`; why that means nothing, else None."""

    def verb() -> str | None:
        rows = at_address(address)
        if not rows:
            return "nobody is known by this address"
        bouncing = [r.id for r in rows if r.bounce_lifted_at is None or r.bounce_lifted_at < at]
        if not bouncing:
            return "somebody said since that mail arrives there"
        fresh = Person.id.in_(bouncing) & Person.bounced_at.is_null()
        Person.update(bounced_at=at).where(fresh).execute()
        return None

    return db.write(verb)


def lift(person: Person, now: datetime) -> Person:
    """Mail to this person arrives after all: whoever shares the address may be written to again."""

    def verb() -> Person:
        rows = [person, *(row for address in addresses_of(person) for row in at_address(address))]
        query = Person.update(bounced_at=None, bounce_lifted_at=now)
        query.where(Person.id.in_([row.id for row in rows])).execute()
        return Person.get_by_id(person.id)

    return db.write(verb)


def _refuse_mail(rows: Sequence[Person], now: datetime) -> None:
    subscribed = Person.id.in_([row.id for row in rows]) & Person.unsubscribed_at.is_null()
    Person.update(unsubscribed_at=now).where(subscribed).execute()


def prefer(rows: Sequence[Person], never_ask: bool, days_between_asks: int) -> None:
    """How often somebody, whose rows are `rows`, wants to be asked: never, or every so many days at most."""
    query = Person.update(never_ask=never_ask, days_between_asks=days_between_asks)
    db.write(query.where(Person.id.in_([row.id for row in rows])).execute)


def _set_email(row: Person, email: str | None) -> None:
    if email not in (row.email, row.known_email):
        # A bounce was the old address's.
        row.bounced_at = None
    # Beside an id of the website's own an address finds nobody: it is kept apart, see find_or_create().
    row.email, row.claimed_email = (None, email) if row.external_id else (email, None)
    row.known_email = row.claimed_email
