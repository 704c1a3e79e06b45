"""Who is signed in: the cookie, the session behind it, and the caller that a member is. Pages under /team alone."""

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, g, request

from surveys.base import clock
from surveys.base.accounts import members, sessions
from surveys.base.accounts.caller import Caller
from surveys.base.accounts.members import Member
from surveys.base.accounts.sessions import Session
from surveys.base.http import callers
from surveys.base.http.context import settings

#: The cookie's name where it travels over https, and on this machine over plain http. Browsers hold the first to be
#: secure, of this host alone and for every path (RFC 6265bis, 4.1.3.2).
SECURE, PLAIN = "__Host-earshot", "earshot"

#: What a proxy adds to what it passes on: whoever called it may be anywhere.
_BY_PROXIES = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Via", "X-Real-IP")


def install(app: Flask) -> None:
    """Let pages under /team know who is signed in, and send the cookie along."""
    if way not in callers.WAYS:
        callers.WAYS.append(way)
    app.after_request(_send)


def is_secure() -> bool:
    """Whether what we answer travels over https."""
    return request.is_secure or settings().base_url.startswith("https:")


def is_possible() -> bool:
    """Whether anybody may sign in here: over https, or on this machine. No password crosses a network in the clear."""
    if is_secure():
        return True
    if any(name in request.headers for name in _BY_PROXIES):
        return False
    return _is_loopback(urlsplit(settings().base_url).hostname) and _is_loopback(
        urlsplit(f"//{request.host}").hostname
    )


def secret() -> str:
    """This browser's secret, a new one where it sent none: the cookie goes out with the answer."""
    found = g.get("session_secret") or request.cookies.get(_name())
    if not found or len(found) > 200:
        found = g.session_secret = sessions.new_secret()
    return found


def has_cookie() -> bool:
    """Whether the browser sent a secret."""
    return bool(request.cookies.get(_name()))


def session() -> Session | None:
    """The session of this call, also one that awaits its code; asked of the database once a call."""
    if "session" not in g:
        sent = request.cookies.get(_name())
        g.session = sessions.look_up(sent, clock.now()) if sent and is_possible() else None
    return g.session


def member() -> Member | None:
    """Who is signed in."""
    found = session()
    return found.member if found is not None and not found.awaits_code else None


def way() -> Caller | None:
    """The member who asks for one of the team's pages; a way of `callers.WAYS`."""
    if not (request.path == "/team" or request.path.startswith("/team/")):
        return None
    found = member()
    return caller_of(found) if found is not None else None


def caller_of(found: Member) -> Caller:
    """A member as a caller. Without the second factor that the role asks for, own pages alone are open."""
    scopes = () if lacks_second_factor(found) else members.ROLES[found.role]
    surveys = None if found.surveys is None else frozenset(found.surveys)
    return Caller(found.id, found.called, frozenset(scopes), surveys, found.id)


def lacks_second_factor(found: Member) -> bool:
    """Whether the member has yet to set up the second factor that the role asks for."""
    by_provider = found.oidc_subject is not None and found.password_hash is None
    return found.totp_secret is None and not by_provider and members.needs_second_factor(found.role)


def begin(member_id: str, awaits_code: bool = False, trusted: bool = True) -> None:
    """Sign a member in under a new secret; what the browser had before is over. `trusted`: the password was given."""
    end()
    g.session_secret = sessions.begin(member_id, clock.now(), awaits_code, trusted)
    g.session_lasts = True
    g.pop("session", None)


def end() -> None:
    """Sign this browser out: the session is dead for whoever has its secret."""
    sent = request.cookies.get(_name())
    if sent:
        sessions.end(sent)
    g.session_secret, g.session = sessions.new_secret(), None


# ------------------------------------------------------------------------------------------------------


def _name() -> str:
    return SECURE if is_secure() else PLAIN


def _send(answer: Response) -> Response:
    chosen = g.pop("session_secret", None)
    if chosen is not None and is_possible():
        lasts: Any = int(sessions.WHOLE.total_seconds()) if g.pop("session_lasts", False) else None
        answer.set_cookie(
            _name(), chosen, max_age=lasts, path="/", secure=is_secure(), httponly=True, samesite="Lax"
        )
        answer.headers.setdefault("Cache-Control", "no-store")
    return answer


def _is_loopback(host: str | None) -> bool:
    if host is None:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
