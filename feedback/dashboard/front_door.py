"""In and out by the front door: sign-in, its second step, sign-out, invitations, and a new password."""

import re
from typing import Any

from flask import Response, request

from feedback.dashboard import forms, layout, registry
from feedback.dashboard.words import duration, say
from surveys import team
from surveys.base import clock, db
from surveys.base.accounts import attempts, members, one_time_links, passwords, second_factor
from surveys.base.accounts.members import Member
from surveys.base.accounts.one_time_links import RESET, WELCOME, OneTimeLink
from surveys.base.http import audited, callers, context, limits, signed_in
from surveys.mail import member_mail
from surveys.schemas.members import ResetForm, WelcomeForm

#: Addresses that one may be led to after signing in: pages of ours, without what browsers read as another host.
_OWN = re.compile(r"/team(?:[/?][!-\[\]-~]*)?")

CODE = "/team/sign-in/code"


@registry.page(title=say("sign_in"), address=layout.SIGN_IN, scope=None, forms=True)
def sign_in() -> Response:
    """Name and password. One message for every wrong pair, after the same work."""
    if not signed_in.is_possible():
        return impossible()
    if request.method == "GET":
        found = signed_in.member()
        return _enter(found, wanted()) if found else _sign_in_form()
    email, password = forms.fields().get("email", ""), forms.fields().get("password", "")
    counted = attempts.counts("sign-in", members.normal(email), network())
    if wait := attempts.begin(counted, clock.now()):
        return _slowed(
            "sign_in.html", "sign_in", wait, email=email, next=wanted(), provider=layout.provider_name()
        )
    member = members.by_email(email)
    kept = member.password_hash if member is not None else None
    if not passwords.fits(kept, password) or member is None or kept is None:
        audited.unchanged()
        return _sign_in_form(422, wrong=say("sign_in.wrong"), email=email)
    attempts.succeeded(counted)
    if passwords.is_cheap(kept):
        members.change(member.id, {"password_hash": passwords.hashed(password)})
    return let_in(member, wanted())


@registry.page(title=say("code"), address=CODE, scope=None, forms=True)
def code() -> Response:
    """The second step of signing in: a code of the authenticator, or a recovery code."""
    session = signed_in.session()
    if session is None or not session.awaits_code:
        return layout.led(layout.at(layout.SIGN_IN, next=wanted()))
    if request.method == "GET":
        return layout.page("code.html", say("code"), next=wanted())
    member = session.member
    counted = attempts.counts("code", member.id, network())
    if wait := attempts.begin(counted, clock.now()):
        return _slowed("code.html", "code", wait, next=wanted())
    if not second_factor.take(member, forms.fields().get("code", ""), clock.now()):
        return layout.page("code.html", say("code"), 422, wrong=say("code.wrong"), next=wanted())
    attempts.succeeded(counted)
    # The code proves nothing of the password: whoever a provider let in has yet to be asked for it.
    return _begin(member, wanted(), trusted=session.trusted_at is not None)


@registry.form("/team/sign-out")
def sign_out() -> Response:
    """End this session, for whoever has its cookie."""
    found = signed_in.member()
    if found is not None:
        audited.by(signed_in.caller_of(found))
    signed_in.end()
    answer = layout.led(layout.at(layout.SIGN_IN))
    # What this browser kept of the pages goes with the session.
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


@registry.page(title=say("welcome"), address="/team/welcome/<token>", scope=None, forms=True, token_page=True)
def welcome(token: str) -> Response:
    """An invitation, or the way in of the first administrator: a name, an address, a password."""
    if not signed_in.is_possible():
        return impossible()
    link = one_time_links.look_up(WELCOME, token, clock.now())
    if link is None:
        return layout.page("run_out.html", say("welcome.run_out"), 404, told=say("welcome.run_out.told"))
    invited: Member | None = link.member
    known = {"name": invited.name, "email": invited.email} if invited else {}
    if request.method == "GET":
        return _welcome_form(invited, known, {})
    given = {**forms.fields(), **({"email": invited.email} if invited else {})}
    values, errors = forms.load(WelcomeForm(), given)
    if not errors and (fault := passwords.fault(values["password"], values["email"])):
        errors = {"password": [fault]}
    if errors:
        return _welcome_form(invited, given, errors)
    try:
        member = _join(link, values)
    except members.Taken as taken:
        return _welcome_form(invited, given, {"email": [taken.message]})
    if member is None:
        return layout.page("run_out.html", say("welcome.run_out"), 404, told=say("welcome.run_out.told"))
    (context.settings().data_dir / team.FIRST_SIGN_IN).unlink(missing_ok=True)
    return _begin(member, wanted())


@registry.page(title=say("reset"), address="/team/reset", scope=None, forms=True)
def reset() -> Response:
    """Ask for a new password by mail. The answer is the same whoever asks."""
    if not signed_in.is_possible():
        return impossible()
    if request.method == "GET":
        return layout.page("reset.html", say("reset"), sent="sent" in request.args)
    email, now = forms.fields().get("email", "")[:254], clock.now()
    counted = attempts.counts("reset", members.normal(email), network())
    if wait := attempts.begin(counted, now):
        return _slowed("reset.html", "reset", wait, email=email)
    member_mail.enqueue(RESET, email, now)
    return layout.led(layout.at("/team/reset", sent=1))


@registry.page(title=say("reset.new"), address="/team/reset/<token>", scope=None, forms=True, token_page=True)
def new_password(token: str) -> Response:
    """Choose the new password. Every session ends, and the second factor stays."""
    if not signed_in.is_possible():
        return impossible()
    link = one_time_links.look_up(RESET, token, clock.now())
    if link is None or link.member is None:
        return layout.page("run_out.html", say("reset.run_out"), 404, told=say("reset.run_out.told"))
    if request.method == "GET":
        return layout.page("new_password.html", say("reset.new"), email=link.member.email, errors={})
    values, errors = forms.load(ResetForm(), forms.fields())
    if not errors and (fault := passwords.fault(values["password"], link.member.email)):
        errors = {"password": [fault]}
    if errors:
        return layout.page("new_password.html", say("reset.new"), 422, email=link.member.email, errors=errors)
    member, hashed = link.member, passwords.hashed(values["password"])

    def verb() -> bool:
        if not one_time_links.use(link):
            return False
        team.set_password(member.id, hashed)
        return True

    if not db.write(verb):
        return layout.page("run_out.html", say("reset.run_out"), 404, told=say("reset.run_out.told"))
    audited.by(signed_in.caller_of(member))
    signed_in.end()
    return layout.led(layout.at(layout.SIGN_IN, changed=1))


# ------------------------------------------------------------------------------------------------------


def own_address(given: str | None) -> str | None:
    """`given` when it is the address of one of the team's pages, without the path of BASE_URL; else None."""
    if not given or len(given) > 2000 or not _OWN.fullmatch(given):
        return None
    # What a reader on the way may take for another host, or for a way out of the pages, is none of ours.
    return None if {"", "..", "."} & set(given.partition("?")[0].strip("/").split("/")) else given


def wanted() -> str | None:
    """The page of ours that the field or parameter `next` asks to be led to."""
    given = forms.fields().get("next") if request.method == "POST" else request.args.get("next")
    return own_address(given)


def let_in(member: Member, following: str | None, trusted: bool = True) -> Response:
    """Whoever proved to be this member goes on to the code where one is asked for, else is signed in.

    `trusted`: by the password, which is then not asked for again for a while. A provider may have asked nothing.
    """
    if member.totp_secret is not None:
        signed_in.begin(member.id, awaits_code=True, trusted=trusted)
        return layout.led(layout.at(CODE, next=following))
    return _begin(member, following, trusted)


def _begin(member: Member, following: str | None, trusted: bool = True) -> Response:
    """Sign a member in, and lead on."""
    signed_in.begin(member.id, trusted=trusted)
    audited.by(signed_in.caller_of(member))
    return _enter(member, following)


def _enter(member: Member, following: str | None) -> Response:
    return layout.led(layout.at(following or members.home(member.role)))


def _join(link: OneTimeLink, values: dict[str, Any]) -> Member | None:
    """Join as a member by a link; None where somebody has used the link before. Raises Taken."""
    hashed, now = passwords.hashed(values["password"]), clock.now()

    def verb() -> Member | None:
        if not one_time_links.use(link):
            return None
        member_id = link.member_id
        if member_id is None:
            role = link.role or members.ADMINISTRATOR
            member_id = members.invite({"email": values["email"], "role": role}, now).id
        members.join(member_id, values["name"], hashed, now)
        return members.get(member_id)

    return db.write(verb)


def _sign_in_form(status: int = 200, **values: Any) -> Response:
    return layout.page(
        "sign_in.html",
        say("sign_in"),
        status,
        next=wanted(),
        provider=layout.provider_name(),
        changed="changed" in request.args,
        nobody=members.nobody_joined(),
        **values,
    )


def _welcome_form(invited: Member | None, given: dict[str, Any], errors: dict[str, list[str]]) -> Response:
    return layout.page(
        "welcome.html",
        say("welcome"),
        422 if errors else 200,
        invited=invited,
        nobody=members.nobody_joined(),
        given=given,
        errors=errors,
        shortest=passwords.SHORTEST,
    )


def _slowed(template: str, title: str, wait: int, **values: Any) -> Response:
    told = say("slowed", wait=duration(wait))
    return _later(layout.page(template, say(title), 429, wrong=told, **values), wait)


def slowed(wait: int) -> Response:
    """The page for whoever tries to sign in too often, where there is no form to show again."""
    told = say("slowed", wait=duration(wait))
    return _later(layout.page("run_out.html", say("sign_in"), 429, told=told), wait)


def _later(answer: Response, wait: int) -> Response:
    answer.headers["Retry-After"] = str(wait)
    return answer


def impossible() -> Response:
    """The page that says why nobody signs in here."""
    return layout.page(
        "run_out.html", say("impossible"), 403, told=say("impossible.told", address=request.host)
    )


def network() -> str:
    """The network that a guess counts for."""
    return limits.network(callers.client_address(), 32, 64)
