"""Forms of the team's pages are taken from these pages alone: a token, and where the browser says they come from."""

from flask import request

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
    """What a form carries in its field `token`: it belongs to the secret in this browser's cookie."""
    return signing.derive("csrf", signed_in.secret())


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
    if not signing.same(given or "", token()):
        raise Stale("This form was opened before you signed in or out. Nothing was done yet: send it again.")
