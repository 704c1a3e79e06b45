"""Signing in with OpenID Connect: the way to the provider, and back."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog
from flask import Response, current_app, request

from feedback.dashboard import forms, front_door, layout, registry
from feedback.dashboard.words import say
from surveys import links, team
from surveys.base import clock, errors, sealing, signing
from surveys.base.accounts import attempts, sessions
from surveys.base.accounts.members import Member
from surveys.base.http import audited, context, signed_in

if TYPE_CHECKING:
    from surveys.base.accounts.openid import Attempt, Provider

log = structlog.get_logger()

WAY, CALLBACK = "/team/sign-in/oidc", "/team/sign-in/oidc/callback"

#: Before the name of the cookie that keeps one attempt; with others, tabs would end each other's.
_COOKIE = "earshot-oidc-"

#: What a link is signed for, by which a member connects their account.
_CONNECT = "connect at the provider"


@registry.page(title=say("sign_in"), address=WAY, scope=None)
def way() -> Response:
    """Lead to the provider; with `again`, to prove once more who is signed in; with `connect`, to sign in there too."""
    provider, openid = _provider()
    if not signed_in.is_possible():
        return front_door.impossible()
    connect = None
    if "connect" in request.args:
        session = signed_in.session()
        if session is None or session.awaits_code:
            raise errors.Unauthorized
        if (asked := forms.asked_again()) is not None:
            return asked
        try:
            connect = signing.read(_CONNECT, request.args["connect"], clock.now())
        except signing.BadToken:
            connect = None
        if connect != session.member_id:
            return _refused("over", 400, "no such wish of this member")
    counted = attempts.of_network("way to the provider", front_door.network())
    if wait := attempts.begin(counted, clock.now()):
        return front_door.slowed(wait)
    attempt = openid.begun(front_door.wanted(), "again" in request.args, connect, clock.now())
    try:
        answer = layout.led(provider.way(attempt, links.to(CALLBACK)))
    except openid.Away as away:
        return _refused("away", 502, str(away))
    attempts.succeeded(counted)
    answer.set_cookie(
        _COOKIE + attempt.state[:16],
        sealing.seal(json.dumps(asdict(attempt))),
        max_age=int(openid.GOOD_FOR.total_seconds()),
        path=_path(),
        secure=signed_in.is_secure(),
        httponly=True,
        # The provider leads back from another site.
        samesite="Lax",
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@registry.page(title=say("sign_in"), address=CALLBACK, scope=None)
def callback() -> Response:
    """The provider sends the browser back here: whoever it vouches for is signed in."""
    provider, openid = _provider()
    if not signed_in.is_possible():
        return front_door.impossible()
    attempt = _attempt(openid)
    if attempt is None:
        answer = _refused("over", 400, "no attempt of this browser")
    else:
        answer = _answered(provider, openid, attempt)
        answer.delete_cookie(_COOKIE + attempt.state[:16], path=_path())
    # The address holds the code.
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def connecting(member: Member) -> str | None:
    """Where a member goes to sign in at the provider from then on; None without a provider. Nobody else can go."""
    if context.settings().oidc_issuer is None:
        return None
    token = signing.sign(_CONNECT, member.id, clock.now() + sessions.TRUST)
    return layout.at(WAY, connect=token)


# ------------------------------------------------------------------------------------------------------


def _answered(provider: "Provider", openid: Any, attempt: "Attempt") -> Response:
    now = clock.now()
    counted = attempts.of_network("back from the provider", front_door.network())
    if wait := attempts.begin(counted, now):
        return front_door.slowed(wait)
    try:
        identity = provider.identity(attempt, links.to(CALLBACK), request.args.to_dict(), now)
    except openid.Unproven as unproven:
        return _refused("unproven", 403, str(unproven))
    except openid.Away as away:
        return _refused("away", 502, str(away))
    attempts.succeeded(counted)
    session = signed_in.session()
    if attempt.connect is not None:
        if session is None or session.member_id != attempt.connect:
            return _refused("over", 403, "another member is signed in by now")
        try:
            team.connect(attempt.connect, identity)
        except errors.Clash as clash:
            return layout.page("run_out.html", say("oidc.other"), 409, told=clash.message)
        audited.by(signed_in.caller_of(session.member))
        audited.about(attempt.connect)
        return layout.led(layout.at("/team/profile", done="connected"))
    if attempt.again:
        if session is None or session.awaits_code or session.member.oidc_subject != identity.subject:
            name = session.member.called if session is not None else say("about.nobody")
            return _refused("other", 403, "another subject", name=name)
        sessions.trust(session, now)
        return layout.led(layout.at(attempt.next or "/team/profile"))
    member = team.vouched_for(identity, context.settings().oidc_role, now)
    if member is None:
        return _refused("nobody", 403, "no invitation, or an address that is not proved")
    audited.about(member.id)
    return front_door.let_in(member, attempt.next, trusted=False)


def _provider() -> tuple["Provider", Any]:
    """The provider and the module that knows it. Raises Missing where the settings name none."""
    settings = context.settings()
    if settings.oidc_issuer is None:
        raise errors.Missing
    # An extra: only who names a provider has it installed, which the settings have seen to.
    from surveys.base.accounts import openid

    kept = current_app.extensions
    if "openid" not in kept:
        kept["openid"] = openid.Provider(settings)
    return kept["openid"], openid


def _attempt(openid: Any) -> "Attempt | None":
    """What this browser keeps of the attempt that the provider answers."""
    kept = request.cookies.get(_COOKIE + request.args.get("state", "")[:16])
    try:
        return openid.Attempt(**json.loads(sealing.unseal(kept))) if kept else None
    except (sealing.Unreadable, ValueError, TypeError):
        return None


def _refused(what: str, status: int, why: str, **values: Any) -> Response:
    log.warning("nobody signed in by OpenID Connect", why=why)
    told = say(f"oidc.{what}.told").format(provider=layout.provider_name(), **values)
    return layout.page("run_out.html", say(f"oidc.{what}"), status, told=told)


def _path() -> str:
    return (urlsplit(links.to("")).path.rstrip("/") or "") + WAY
