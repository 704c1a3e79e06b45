"""Who calls: the key that proves it, and the address."""

import functools
from collections.abc import Callable
from typing import Any

from flask import g, request

from surveys.base.accounts import keys
from surveys.base.http import forwarded
from surveys.base.http.context import settings
from surveys.base.http.problems import Problem, unknown_key


def needs(scope: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let only keys with `scope` in; the key is then `g.key`."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            g.key = _proven_key()
            if not g.key.may(scope):
                raise Problem(403, f"This key lacks the scope '{scope}'.")
            return view(*args, **kwargs)

        wrapper._apidoc = getattr(wrapper, "_apidoc", {})  # type: ignore[attr-defined]
        wrapper._apidoc.setdefault("manual_doc", {})["security"] = [{"key": [scope]}]  # type: ignore[attr-defined]
        return wrapper

    return decorate


def _proven_key() -> keys.ApiKey:
    kind, _, secret = (request.headers.get("Authorization") or "").partition(" ")
    found = keys.look_up(secret.strip()) if kind.lower() == "bearer" and secret.strip() else None
    if found is None:
        raise unknown_key()
    return found


def client_address() -> str:
    """Who calls: the peer, or as many hops before it as TRUSTED_PROXIES says.

    Where the proxy does not know who called it, the next that is known. `Forwarded` is read where there is no
    `X-Forwarded-For`: a proxy that writes the one lets the other pass as it came.
    """
    hops = settings().trusted_proxies
    peer = request.remote_addr or ""
    if not hops:
        return peer
    told = request.headers.get("X-Forwarded-For")
    chain = [part for part in told.split(",") if part.strip()] if told else _forwarded()
    known = (forwarded.node(entry) for entry in [*chain, peer][max(0, len(chain) - hops) :])
    return next((node for node in known if node), peer)


def _forwarded() -> list[str]:
    """Who called each proxy, by the header Forwarded."""
    return forwarded.nodes(request.headers.get("Forwarded", ""))
