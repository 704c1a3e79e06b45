"""Who calls, by whatever proves it, and from which address."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from flask import g, request

from surveys.base import errors
from surveys.base.accounts import keys
from surveys.base.accounts.caller import Caller
from surveys.base.http import forwarded
from surveys.base.http.context import settings


def needs(scope: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let only callers with `scope` in; who calls is then `g.caller`. Raises Unauthorized and Forbidden."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            g.caller = proven()
            if not g.caller.may(scope):
                raise errors.Forbidden(g.caller.lacking(scope))
            return view(*args, **kwargs)

        wrapper._apidoc = getattr(wrapper, "_apidoc", {})  # type: ignore[attr-defined]
        wrapper._apidoc.setdefault("manual_doc", {})["security"] = [{"key": [scope]}]  # type: ignore[attr-defined]
        return wrapper

    return decorate


def proven() -> Caller:
    """Who calls, by the first of WAYS that knows. Raises Unauthorized when none does."""
    found = next((caller for way in WAYS if (caller := way()) is not None), None)
    if found is None:
        raise errors.Unauthorized
    return found


def _by_key() -> Caller | None:
    """Whoever sends a key that is in use: `Authorization: Bearer <key>`."""
    kind, _, secret = (request.headers.get("Authorization") or "").partition(" ")
    found = keys.look_up(secret.strip()) if kind.lower() == "bearer" and secret.strip() else None
    return found.caller() if found is not None else None


#: The ways to prove who calls, tried in turn; each gives None for a request that does not use it, or not validly.
WAYS: list[Callable[[], Caller | None]] = [_by_key]


def client_address() -> str:
    """Who calls: the peer, or as many hops before it as TRUSTED_PROXIES says.

    Where the proxy does not know who called it, the next that is known. `Forwarded` is read where there is no
    `X-Forwarded-For`: a proxy that writes the one lets the other pass as it came.
    """
    return address(request.environ, settings().trusted_proxies)


def address(environ: Mapping[str, Any], hops: int) -> str:
    """`client_address` of a call by its WSGI environment."""
    peer: str = environ.get("REMOTE_ADDR") or ""
    if not hops:
        return peer
    told = environ.get("HTTP_X_FORWARDED_FOR")
    if told:
        chain = [part for part in told.split(",") if part.strip()]
    else:
        chain = forwarded.nodes(environ.get("HTTP_FORWARDED", ""))
    known = (forwarded.node(entry) for entry in [*chain, peer][max(0, len(chain) - hops) :])
    return next((node for node in known if node), peer)
