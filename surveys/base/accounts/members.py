"""Members: the people of the team, their roles, and what they may see."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from peewee import SQL, BigIntegerField, TextField

from surveys.base import db, ids, versions
from surveys.base.accounts.caller import Caller
from surveys.base.db import IDENTIFIER, JSONField, Table, UTCField
from surveys.base.errors import Clash
from surveys.base.sealing import SealedField
from surveys.domain import addresses

#: A role and the scopes that it gives. An agent has none: own pages are open to every member.
ROLES: dict[str, tuple[str, ...]] = {
    "viewer": ("read",),
    "agent": (),
    "editor": ("write", "trigger"),
    "administrator": ("admin",),
}

ADMINISTRATOR = "administrator"


def home(role: str) -> str:
    """The address where members of a role begin: the overview, or without it their own page."""
    return "/team" if ROLES[role] else "/team/mine"


class Taken(Clash):
    """Somebody else has this address."""

    def __init__(self) -> None:
        super().__init__("Another member has this address.")


class Changed(Clash):
    """Somebody else has changed the member meanwhile."""

    def __init__(self) -> None:
        super().__init__("Somebody changed the member meanwhile.")


class LastAdministrator(Clash):
    """Without this one nobody could manage members any more."""

    def __init__(self) -> None:
        super().__init__("The last administrator can neither be removed, limited nor given another role.")


class Member(Table):
    """A person of the team.

    `joined_at` is null until the invitation is taken up. `agent`: the id that helpdesks know the member by. `surveys`:
    those that the member is limited to, or null. `totp_step`: the last time step whose code was used (RFC 6238).
    `time_zone`: an IANA name, or null for the zone of the service.
    `language`: that in which the member reads names of topics; null: the browser's.
    """

    id = TextField(primary_key=True)
    email = TextField(unique=True)
    name = TextField(null=True)
    role = TextField()
    surveys = JSONField(null=True)
    agent = TextField(null=True)
    password_hash = TextField(null=True)
    totp_secret = SealedField(null=True)
    totp_step = BigIntegerField(null=True)
    oidc_subject = TextField(null=True, unique=True)
    created_at = UTCField()
    joined_at = UTCField(null=True)
    language = TextField(null=True)
    time_zone = TextField(null=True)

    class Meta:
        constraints = [SQL("CHECK (role IN ('viewer', 'agent', 'editor', 'administrator'))")]
        holds = {"email": IDENTIFIER, "name": IDENTIFIER, "agent": IDENTIFIER, "oidc_subject": IDENTIFIER}

    @classmethod
    def seen_by(cls, caller: Caller) -> Any:
        """What a caller limited to some surveys may see: oneself. Others' limits tell of other surveys."""
        return cls.id == caller.member

    @property
    def second_factor(self) -> bool:
        """Whether signing in asks for a code."""
        return self.totp_secret is not None

    @property
    def agents(self) -> tuple[str, ...]:
        """The ids under which helpdesks credit the member: the address, and what an administrator has set."""
        # Answers of earlier times name the address as the helpdesk spelled it.
        return tuple(dict.fromkeys((*addresses.spellings(self.email), self.agent or self.email)))

    @property
    def called(self) -> str:
        """The name, or the address where none is known."""
        return self.name or self.email

    def zone(self, of_service: ZoneInfo) -> ZoneInfo:
        """The zone in which the member reads times."""
        if self.time_zone is None:
            return of_service
        try:
            return ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            # It was known where it was chosen, and this machine does not know it.
            return of_service


class SecondFactorRule(Table):
    """A role whose members sign in with a second factor."""

    role = TextField(primary_key=True)

    class Meta:
        table_name = "second_factor_rule"


def normal(email: str) -> str:
    """An address as members are kept and looked up by, whichever way it was typed."""
    return addresses.normal(email) or ""


def get(member_id: str) -> Member | None:
    """The member with this id."""
    return Member.get_or_none(Member.id == member_id)


def by_email(email: str) -> Member | None:
    """The member with this address.

    Two members from before there was one form of an address have each a spelling, by which they are found first.
    """
    spelled = Member.get_or_none(Member.email == addresses.as_typed(email))
    return spelled or Member.get_or_none(Member.email == normal(email))


def by_subject(subject: str) -> Member | None:
    """The member whom the provider of sign-ins knows by this."""
    return Member.get_or_none(Member.oidc_subject == subject)


def nobody_joined() -> bool:
    """Whether nobody can sign in yet."""
    return not Member.select().where(Member.joined_at.is_null(False)).exists()


def invite(values: Mapping[str, Any], now: datetime) -> Member:
    """A member who has yet to take up the invitation. `values`: email and role; name, surveys, agent. Raises Taken."""
    surveys = values.get("surveys")

    def verb() -> Member:
        db.serialise("members")
        if by_email(values["email"]):
            raise Taken
        return Member.create(
            id=ids.new("mem"),
            email=normal(values["email"]),
            name=values.get("name"),
            role=values["role"],
            surveys=None if surveys is None else sorted(set(surveys)),
            agent=values.get("agent"),
            time_zone=values.get("time_zone"),
            created_at=now,
            joined_at=None,
        )

    return db.write(verb)


def join(member_id: str, name: str, password_hash: str, now: datetime) -> None:
    """An invitation is taken up; called in a transaction."""
    Member.update(name=name, password_hash=password_hash, joined_at=now).where(
        Member.id == member_id
    ).execute()


def join_by_provider(member: Member, subject: str, name: str | None, now: datetime) -> Member:
    """An invitation is taken up by whom a provider vouches for; called in a transaction."""
    member.oidc_subject, member.name, member.joined_at = subject, member.name or name, now
    member.save()
    return member


def version(member: Member) -> str:
    """What others say of a member, in a few letters: it changes with all that they may change."""
    return versions.of(member.email, member.name, member.role, member.surveys, member.agent, member.time_zone)


def change(member_id: str, values: Mapping[str, Any], known: str | None = None) -> Member | None:
    """Set columns of a member; None when there is no such. Raises LastAdministrator and Taken.

    `known`: the version that the change was made from. Raises Changed where it is another by now.
    """

    def verb() -> Member | None:
        db.serialise("members")
        member = get(member_id)
        if member is None:
            return None
        if known is not None and known != version(member):
            raise Changed
        kept = _is_in_charge(member)
        if "email" in values and (other := by_email(values["email"])) and other.id != member_id:
            raise Taken
        for name, value in values.items():
            if name != "email":
                setattr(member, name, value)
            elif addresses.as_typed(value) != member.email:
                member.email = normal(value)
        if kept and not _is_in_charge(member) and not _others_in_charge(member_id):
            raise LastAdministrator
        member.save()
        return member

    return db.write(verb)


def remove(member_id: str) -> bool:
    """Take a member out, with the sessions and links; False when there is no such. Raises LastAdministrator."""

    def verb() -> bool:
        db.serialise("members")
        member = get(member_id)
        if member is None:
            return False
        if _is_in_charge(member) and not _others_in_charge(member_id):
            raise LastAdministrator
        member.delete_instance()
        return True

    return db.write(verb)


def needs_second_factor(role: str) -> bool:
    """Whether members of this role sign in with a second factor."""
    return SecondFactorRule.get_or_none(SecondFactorRule.role == role) is not None


def roles_with_second_factor() -> list[str]:
    """The roles whose members sign in with a second factor."""
    return [row.role for row in SecondFactorRule.select().order_by(SecondFactorRule.role)]


def demand_second_factor(roles: Sequence[str], known: Sequence[str] | None = None) -> None:
    """Ask these roles, and no others, for a second factor.

    `known`: the roles that are to be replaced. Raises Clash where they are others by now.
    """

    def verb() -> None:
        db.serialise("members")
        if known is not None and set(known) != set(roles_with_second_factor()):
            raise Clash("Somebody changed these roles meanwhile.")
        SecondFactorRule.delete().execute()
        for role in sorted(set(roles)):
            SecondFactorRule.insert(role=role).execute()

    db.write(verb)


def _is_in_charge(member: Member) -> bool:
    return member.role == ADMINISTRATOR and member.surveys is None and member.joined_at is not None


def _others_in_charge(member_id: str) -> bool:
    others = Member.select().where(
        (Member.role == ADMINISTRATOR) & Member.joined_at.is_null(False) & (Member.id != member_id)
    )
    return any(member.surveys is None for member in others)
