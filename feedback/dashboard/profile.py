"""Oneself: name, password, other browsers, and the second factor."""

from typing import Any

import marshmallow as ma
import segno
from flask import Response, request

from feedback import digests, saved_feeds
from feedback.dashboard import flash, forms, layout, openid_connect, registry
from feedback.dashboard.words import say
from feedback.models import Digest, SavedFeed
from feedback.schemas.digests import DigestBody
from feedback.schemas.digests import state as digest_state
from surveys import team, wording
from surveys.base import clock, errors, signing
from surveys.base.accounts import members, passwords, second_factor, sessions
from surveys.base.accounts.caller import OWN
from surveys.base.accounts.members import Member
from surveys.base.accounts.sessions import Session
from surveys.base.http import audited, problems, signed_in
from surveys.schemas.members import LanguageForm, ResetForm, SelfForm

PROFILE, FACTOR, CODES = "/team/profile", layout.SECOND_FACTOR, "/team/profile/recovery-codes"


@registry.page(title=say("profile"), address=PROFILE, scope=OWN, forms=True)
def profile() -> Response:
    """Name, password and sessions; the form's field `do` says which."""
    session = _session()
    if request.method == "GET":
        return _page(session, {})
    do, given = forms.fields().get("do"), forms.fields()
    if do == "disconnect" and (asked := forms.asked_again()) is not None:
        return asked
    wrong = _DOINGS[do](session, given) if do in _DOINGS else {"do": ["Must be one of " + ", ".join(_DOINGS)]}
    if wrong:
        audited.unchanged()
        return _page(session, wrong, 422, given)
    audited.about(session.member_id)
    return layout.led(layout.at(PROFILE, done=do))


@registry.page(title=say("factor"), address=FACTOR, scope=OWN, forms=True)
@forms.password_asked
def factor() -> Response:
    """Set up the second factor: a picture for the authenticator, and a code that proves it was read."""
    member = _session().member
    if member.totp_secret is not None:
        return layout.led(layout.at(PROFILE))
    if request.method == "GET":
        return _factor_page(member, second_factor.new_secret())
    given, now = forms.fields(), clock.now()
    try:
        secret = signing.read(f"totp {member.id}", given.get("secret", ""), now)
    except signing.BadToken:
        return _factor_page(member, second_factor.new_secret(), say("factor.over"))
    step = second_factor.step_of(secret, given.get("code", ""), now)
    if step is None:
        return _factor_page(member, secret, say("factor.wrong"))
    audited.about(member.id)
    return _codes_shown(second_factor.switch_on(member.id, secret, step))


@registry.page(title=say("factor.codes"), address=CODES, scope=OWN, forms=True)
@forms.password_asked
def codes() -> Response:
    """Recovery codes, shown once after they are made; the form makes others, or switches the second factor off."""
    member = _session().member
    if request.method == "GET":
        made = flash.taken()
        if not isinstance(made, list):
            return layout.led(layout.at(PROFILE))
        return layout.page("recovery_codes.html", say("factor.codes"), codes=made)
    if member.totp_secret is None:
        raise errors.Missing
    audited.about(member.id)
    if forms.fields().get("do") == "off":
        if members.needs_second_factor(member.role):
            raise errors.Forbidden
        second_factor.switch_off(member.id)
        return layout.led(layout.at(PROFILE, done="off"))
    return _codes_shown(second_factor.new_codes(member.id))


# ------------------------------------------------------------------------------------------------------


def _session() -> Session:
    """The session of whoever asks; pages about oneself are opened by nobody else."""
    found = signed_in.session()
    if found is None:
        raise errors.Unauthorized
    return found


def _codes_shown(made: list[str]) -> Response:
    answer = layout.led(layout.at(CODES))
    flash.put(answer, made)
    return answer


def _rename(session: Session, given: dict[str, str]) -> dict[str, list[str]]:
    values, wrong = forms.load(SelfForm(), {**given, "time_zone": given.get("time_zone", "").strip() or None})
    if not wrong:
        members.change(session.member_id, values)
    return wrong


def _read_in(session: Session, given: dict[str, str]) -> dict[str, list[str]]:
    values, wrong = forms.load(LanguageForm(), given)
    if not wrong:
        members.change(session.member_id, {"language": values["language"] or None})
    return wrong


def _change_password(session: Session, given: dict[str, str]) -> dict[str, list[str]]:
    values, wrong = forms.load(ResetForm(), given)
    if wrong:
        return wrong
    if told := forms.confirm(session.member, given.get("current", "")):
        return {"current": [told]}
    if fault := passwords.fault(values["password"], session.member.email):
        return {"password": [fault]}
    team.set_password(session.member_id, passwords.hashed(values["password"]), but=session)
    return {}


def _end_others(session: Session, given: dict[str, str]) -> dict[str, list[str]]:
    sessions.end_all(session.member_id, but=session)
    return {}


def _disconnect(session: Session, given: dict[str, str]) -> dict[str, list[str]]:
    if session.member.password_hash is None:
        return {"do": [say("oidc.only")]}
    members.change(session.member_id, {"oidc_subject": None})
    return {}


def _digest(session: Session, given: dict[str, str]) -> dict[str, list[str]]:
    """Have a saved view of one's own, or everything, sent to oneself."""
    views = {view.id: view.filters for view in saved_feeds.made_by(session.member_id)}
    chosen = given.get("view", "")
    if chosen and chosen not in views:
        return {"view": [say("refused.404.told")]}
    body = {"email": session.member.email, "when": given.get("when"), "filters": views.get(chosen, {})}
    try:
        values = DigestBody().load(body)
    except ma.ValidationError as error:
        return {"view": [line for lines in problems.flatten(error.messages_dict).values() for line in lines]}
    digests.create(values, signed_in.caller_of(session.member), clock.now())
    return {}


def _no_digest(session: Session, given: dict[str, str]) -> dict[str, list[str]]:
    for row in digests.of_member(session.member_id):
        if row.id == given.get("digest"):
            digests.stop(row, clock.now())
    return {}


_DOINGS = {
    "name": _rename,
    "language": _read_in,
    "password": _change_password,
    "others": _end_others,
    "disconnect": _disconnect,
    "digest": _digest,
    "no_digest": _no_digest,
}


def _page(
    session: Session, wrong: dict[str, list[str]], status: int = 200, given: dict[str, Any] | None = None
) -> Response:
    member, now = session.member, clock.now()
    done = request.args.get("done")
    views = saved_feeds.made_by(member.id)
    # Only the form with these that was sent is shown as it was sent.
    typed = given if given and given.get("do") == "name" else {}
    return layout.page(
        "profile.html",
        say("profile"),
        status,
        member=member,
        errors=wrong,
        given={"name": member.name, "time_zone": member.time_zone, **typed},
        zone=str(layout.zone()),
        languages=wording.LANGUAGES,
        provider=layout.provider_name(),
        connecting=openid_connect.connecting(member),
        done=done if done in (*_DOINGS, "off", "connected") else None,
        others=sessions.others(session, now),
        codes_left=second_factor.codes_left(member.id) if member.totp_secret else 0,
        demanded=members.needs_second_factor(member.role),
        shortest=passwords.SHORTEST,
        digests=[(row, _what(row, views), digest_state(row)) for row in digests.of_member(member.id)],
        views=views,
        reads=layout.may("read"),
        rhythms=Digest.WHEN,
    )


def _what(row: Digest, views: list[SavedFeed]) -> str:
    """What a digest tells of: the name of the view that it was made of; of one that is gone its filters."""
    if not row.filters:
        return say("digest.everything")
    named = next((view.name for view in views if view.filters == row.filters), None)
    return named or ", ".join(map(str, row.filters.values()))


def _factor_page(member: Member, secret: str, wrong: str | None = None) -> Response:
    if wrong:
        audited.unchanged()
    address = second_factor.address(secret, member.email, say("product"))
    picture = segno.make(address, error="m").svg_inline(
        scale=5, border=2, dark="#000", light="#fff", omitsize=True, title=say("factor.scan")
    )
    return layout.page(
        "second_factor.html",
        say("factor"),
        422 if wrong else 200,
        wrong=wrong,
        demanded=member.totp_secret is None and members.needs_second_factor(member.role),
        picture=picture,
        secret=secret,
        sealed=signing.sign(f"totp {member.id}", secret, clock.now() + sessions.TRUST),
    )
