"""The first answer again, for a creating call that comes again with its Idempotency-Key."""

import functools
import hashlib
from collections.abc import Callable
from typing import Any

from flask import current_app, g, make_response, request

from surveys.base import clock, errors, sealing, signing
from surveys.base.http import idempotency, openapi
from surveys.base.http.bodies import API_BODY, body_bytes


def idempotent(view: Callable[..., Any]) -> Callable[..., Any]:
    """Replay the first answer to a creating call that comes again with the same Idempotency-Key."""
    return _idempotent(view, sealed=False)


def idempotent_secret(view: Callable[..., Any]) -> Callable[..., Any]:
    """The same for a call whose answer shows a secret: it is kept sealed until then."""
    return _idempotent(view, sealed=True)


def _idempotent(view: Callable[..., Any], sealed: bool) -> Callable[..., Any]:
    @functools.wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        given = request.headers.get("Idempotency-Key")
        if given is None:
            return view(*args, **kwargs)
        if not 1 <= len(given) <= 255:
            raise errors.Refused("Must have 1 to 255 characters.", "Idempotency-Key")
        body = hashlib.sha256(request.full_path.encode() + b"\0" + body_bytes(API_BODY)).hexdigest()
        digest = signing.keyed_hash("idempotency", f"{g.caller.id}\0{request.method} {request.path}\0{given}")
        earlier = idempotency.begin(digest, body, clock.now())
        if earlier is not None:
            try:
                kept = idempotency.answer_of(earlier)
            except sealing.Unreadable:
                raise errors.Clash("What was made cannot be shown again.") from None
            answer = current_app.response_class(kept, earlier.status, mimetype="application/json")
            answer.headers["Idempotent-Replayed"] = "true"
            return answer
        try:
            answer = make_response(view(*args, **kwargs))
        except BaseException:
            # Nothing was made: the caller may mend the body and use the same key.
            idempotency.forget(digest)
            raise
        idempotency.finish(digest, answer.status_code, answer.get_data(as_text=True), sealed)
        return answer

    wrapper._apidoc = getattr(wrapper, "_apidoc", {})  # type: ignore[attr-defined]
    manual = wrapper._apidoc.setdefault("manual_doc", {})  # type: ignore[attr-defined]
    manual.setdefault("parameters", []).append(openapi.IDEMPOTENCY_KEY)
    return wrapper
