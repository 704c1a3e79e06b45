"""Forms of the team's pages are taken from these pages alone: a token, and where the browser says they come from."""

import hmac
import secrets

from flask import g, request

from surveys.base import signing
from surveys.base.http import signed_in
from surveys.base.http.context import settings
from surveys.base.http.problems import Problem


class Foreign(Problem):
    """The form came from another site."""

    def __init__(self) -> None:
        super().__init__(403, "This form came from another site, and nothing was done.")


class Stale(Problem):
    """The form is ours and its token is not this session's: whoever sent it may send it again."""

    def __init__(self, message: str) -> None:
        super().__init__(403, message)


def token() -> str:
    """What a form carries in its field `token`: it belongs to the secret in this browser's cookie.

    Each answer spells it otherwise, so that nobody learns it from how well answers compress.
    """
    if "csrf_pad" not in g:
        g.csrf_pad = secrets.token_bytes(_LENGTH)
    return masked(_own(), g.csrf_pad)


def masked(token: bytes, pad: bytes) -> str:
    """A token under a pad of its length, spelt with the pad before it."""
    return (pad + _both(token, pad)).hex()


def check(given: str | None, takes_null: bool = False) -> None:
    """Raises Foreign or Stale unless the form was sent by a page of ours to this browser.

    `takes_null`: on pages whose address is a secret, browsers tell `Origin: null`; then the token decides.
    """
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    own = {settings().origin, f"{request.scheme}://{request.host}"}
    unknown = origin is None or (origin == "null" and takes_null)
    if not (origin in own or unknown) or site not in (None, "same-origin"):
        raise Foreign
    if not signed_in.has_cookie():
        raise Stale(
            "Your browser sent no cookie. Allow cookies of this site and try again"
            + (f", at {settings().base_url}/team/sign-in." if signed_in.is_secure() else ".")
        )
    if not hmac.compare_digest(_unmasked(given or ""), _own()):
        raise Stale("This form was opened before you signed in or out. Nothing was done yet: send it again.")


# ------------------------------------------------------------------------------------------------------


#: Bytes of a token, and of its pad.
_LENGTH = 32


def _own() -> bytes:
    """The token of this browser as it is."""
    return bytes.fromhex(signing.derive("csrf", signed_in.secret()))


def _unmasked(given: str) -> bytes:
    """The token under its pad; nothing where it is none."""
    try:
        found = bytes.fromhex(given)
    except ValueError:
        return b""
    return _both(found[_LENGTH:], found[:_LENGTH]) if len(found) == 2 * _LENGTH else b""


def _both(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
