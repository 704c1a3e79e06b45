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
    """Hand `value` to the page that `reply` leads to, and to no other."""
    page = urlsplit(reply.headers["Location"]).path.removeprefix(_base())
    reply.set_cookie(
        COOKIE,
        sealing.seal(json.dumps([page, value])),
        max_age=SECONDS,
        path=_path(),
        secure=links.to("").startswith("https:"),
        httponly=True,
        samesite="Strict",
    )


def taken() -> Any:
    """What was handed to this page; None when nothing was, or it was shown already."""
    given = request.cookies.get(COOKIE)
    if given is None:
        return None
    try:
        page, value = json.loads(sealing.unseal(given))
    except (sealing.Unreadable, ValueError, TypeError):
        return None
    if page != request.path:
        return None

    @after_this_request
    def drop(reply: Response) -> Response:
        reply.delete_cookie(COOKIE, path=_path())
        return reply

    return value


def _path() -> str:
    return f"{_base()}/team"


def _base() -> str:
    return urlsplit(links.to("")).path.rstrip("/")
