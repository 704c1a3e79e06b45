"""Members as administrators manage them: invite, change, remove, and who may do so with whom."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from surveys import links, visible
from surveys.base import db
from surveys.base.accounts import keys, members, one_time_links, sessions
from surveys.base.accounts.caller import Caller
from surveys.base.accounts.identity import Identity
from surveys.base.accounts.members import Member
from surveys.base.accounts.one_time_links import RESET, WELCOME
from surveys.base.errors import Clash, Forbidden, Missing, Refused
from surveys.models import Survey

#: The file in DATA_DIR that holds the first administrator's link.
FIRST_SIGN_IN = "first-sign-in"


def invite(values: Mapping[str, Any], caller: Caller, now: datetime) -> tuple[Member, str]:
    """A new member and the address of the invitation, which is not kept. Raises Taken, Forbidden and Refused."""
    _check_surveys(values["surveys"], caller)
    member = members.invite(values, now)
    return member, link(WELCOME, member, now)


def link(kind: str, member: Member, now: datetime) -> str:
    """A new address of one kind for a member. Raises Clash where a member who has joined is welcomed, or one who has
    not joined is sent anything else."""
    if (member.joined_at is None) != (kind == WELCOME):
        word = "has joined already" if kind == WELCOME else "has not joined yet: make another invitation"
        raise Clash(f"{member.email} {word}.")
    return links.to(f"/team/{kind}/{one_time_links.make(kind, now, member.id)}")


def first_link(role: str, now: datetime) -> str:
    """An address by which whoever follows it becomes a member in `role`."""
    return links.to(f"/team/welcome/{one_time_links.make(WELCOME, now, role=role)}")


def renewed_first_link(now: datetime) -> str:
    """The first administrator's address; those before lead nowhere any more."""

    def verb() -> str:
        one_time_links.forget_first()
        return first_link(members.ADMINISTRATOR, now)

    return db.write(verb)


def change(member_id: str, values: Mapping[str, Any], caller: Caller, known: str | None = None) -> Member:
    """Change a member; what the member may do changes at once. Raises Missing, Forbidden, Refused,
    Taken and LastAdministrator; Changed where the member has not the version `known` any more.
    """
    kept = _own(member_id, caller).surveys or []
    if "surveys" in values:
        _check_surveys(values["surveys"], caller, kept)
    found = members.change(member_id, values, known)
    if found is None:
        raise Missing
    return found


def remove(member_id: str, caller: Caller, kept: Collection[str] = (), ended: Collection[str] = ()) -> None:
    """Take a member out and end every session. Raises Missing and LastAdministrator.

    What the member made is paused, but for the kinds `kept`, which are the service's, and those that are `ended` too.
    """
    _own(member_id, caller)

    def verb() -> None:
        # What the member may see is read, and written into what stays: it must not change between.
        db.serialise("members")
        keys.part(member_id, kept, ended)
        if not members.remove(member_id):
            raise Missing

    db.write(verb)


def vouched_for(identity: Identity, role: str | None, now: datetime) -> Member | None:
    """The member whom the provider vouches for; None for nobody of the team.

    Who came before is known by the provider's own name for them. Else an invitation is taken up, by an address that
    the provider has proved; never the account of somebody who has joined: whoever may set that address at the provider
    would have it. `role`: what whoever was not invited becomes.
    """

    def verb() -> Member | None:
        db.serialise("members")
        known = members.by_subject(identity.subject)
        if known is not None or not identity.email_verified or identity.email is None:
            return known
        found = members.by_email(identity.email)
        if found is None and role is not None:
            found = members.invite({"email": identity.email, "role": role}, now)
        if found is None or found.joined_at is not None:
            return None
        one_time_links.forget(found.id, WELCOME)
        return members.join_by_provider(found, identity.subject, identity.name, now)

    return db.write(verb)


def connect(member_id: str, identity: Identity) -> None:
    """Let a member sign in as whom the provider vouches for, too. Raises Clash where that is another member."""

    def verb() -> None:
        db.serialise("members")
        known = members.by_subject(identity.subject)
        if known is not None and known.id != member_id:
            raise Clash("Another member of this team signs in there by the same account.")
        members.change(member_id, {"oidc_subject": identity.subject})

    db.write(verb)


def set_password(member_id: str, password_hash: str, but: sessions.Session | None = None) -> None:
    """A new password ends every session `but` one, and the links that would set another."""

    def verb() -> None:
        members.change(member_id, {"password_hash": password_hash})
        one_time_links.forget(member_id, RESET)
        sessions.end_all(member_id, but)

    db.write(verb)


def _own(member_id: str, caller: Caller) -> Member:
    """A member whom the caller may change. Whoever is limited to some surveys manages nobody."""
    if not visible.all_of(None, caller):
        raise Missing
    return visible.own(Member, member_id, caller)


def _check_surveys(surveys: list[str] | None, caller: Caller, kept: Collection[str] = ()) -> None:
    """`kept`: what limits the member already, which may be deleted by now and limits all the same."""
    if not visible.all_of(surveys, caller):
        raise Forbidden("You are limited to your surveys and cannot give more.")
    known = {row.id for row in Survey.select(Survey.id).where(Survey.id.in_(surveys or []))}
    if surveys is not None and set(surveys) - known - set(kept):
        raise Refused("Names a survey that is not there.", "surveys")
