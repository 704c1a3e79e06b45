"""What a form's page hands to the page that it leads to, shown once: sealed, for a minute, in a cookie of its own."""

import json
from typing import Any
from urllib.parse import urlsplit

from flask import Response, after_this_request, request

from surveys import links
from surveys.base import sealing

COOKIE = "earshot-shown-once"
SECONDS = 60


def put(reply: Response, value: Any) -> None:
    """Hand `value` to the next page."""
    reply.set_cookie(
        COOKIE,
        sealing.seal(json.dumps(value)),
        max_age=SECONDS,
        path=_path(),
        secure=links.to("").startswith("https:"),
        httponly=True,
        samesite="Strict",
    )


def taken() -> Any:
    """What was handed over; None when nothing was, or it was shown already."""
    given = request.cookies.get(COOKIE)
    if given is None:
        return None

    @after_this_request
    def drop(reply: Response) -> Response:
        reply.delete_cookie(COOKIE, path=_path())
        return reply

    try:
        return json.loads(sealing.unseal(given))
    except (sealing.Unreadable, ValueError):
        return None


def _path() -> str:
    return (urlsplit(links.to("")).path.rstrip("/") or "") + "/team"
