"""The short way of an answer: POST /r without what a framework does for every call.

It takes what is ordinary and well-formed. Everything else, and every error, is left to the long way (`answers.record`),
which says the same it has always said.
"""

import io
import json
import time
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

from surveys import recording
from surveys.base import clock, db
from surveys.base.http import app as web_app
from surveys.base.http import bodies, callers, context, limits, observe
from surveys.base.settings import Settings
from surveys.models import Survey
from surveys.schemas import answers
from surveys.views import public

#: In the environment of a call: the error that recording it ended with, for the long way to say.
ENDED = "earshot.ended"

NOT_VALUES = frozenset({"id", "revision", "survey", "edit_key", "invitation", "person"})

Environment = dict[str, Any]


class ShortWay:
    """Stands in front of the application."""

    def __init__(self, app: Flask) -> None:
        self.long_way = app.wsgi_app
        self._settings: Settings = app.extensions["earshot"]
        self._limiter: limits.Limiter = app.extensions["limiter"]

    def __call__(self, environ: Environment, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one call (PEP 3333)."""
        if environ.get("PATH_INFO") == "/r" and environ["REQUEST_METHOD"] == "POST":
            answered = self._record(environ)
            if answered is not None:
                body, status, headers = answered
                start_response(status, headers)
                return [body]
        return self.long_way(environ, start_response)

    def _record(self, environ: Environment) -> tuple[bytes, str, list[tuple[str, str]]] | None:
        begun = time.perf_counter()
        raw = _body(environ)
        if raw is None:
            return None
        try:
            given = answers.plainly(bodies.parse_json(raw))
            chosen, remembered = _survey(given["survey"]) if given is not None else (None, False)
        except Exception as error:
            if db.away(error):
                environ[ENDED] = error
            return None
        origin = environ.get("HTTP_ORIGIN")
        if given is None or chosen is None or not self._is_ordinary(origin, chosen.allowed_origins, environ):
            return None
        address = callers.address(environ, self._settings.trusted_proxies)
        try:
            wait = self._limiter.allow(address)
            if wait:
                raise public.too_many(wait)
            answer = recording.Answer(
                id=given["id"],
                revision=given["revision"],
                values={name: value for name, value in given.items() if name not in NOT_VALUES},
                edit_key=given.get("edit_key"),
                invitation=given.get("invitation"),
                network=limits.network(address, 24, 48),
                remembered=remembered,
            )
            row, created = recording.record(chosen, answer, clock.now(), self._settings.public_limit)
            body = _JSON.encode(public.shown(chosen, row)).encode() + b"\n"
        except Exception as error:
            environ[ENDED] = error
            return None
        request_id = context.new_request_id()
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Vary", "Origin"),
        ]
        if origin is not None:
            headers += [
                ("Access-Control-Allow-Origin", origin),
                ("Access-Control-Expose-Headers", "Retry-After"),
            ]
        headers += [("X-Request-Id", request_id), *web_app.HEADERS]
        status = 201 if created else 200
        observe.answered("/r", "POST", status, begun, request_id)
        return body, "201 CREATED" if created else "200 OK", headers

    def _is_ordinary(self, origin: str | None, allowed: list[str], environ: Environment) -> bool:
        """Whether a page of another site calls that may, or no page."""
        if origin is None:
            return True
        # Our own pages may call whatever the survey allows, and need no leave to read.
        own = origin == self._settings.origin or _host(origin.partition("://")[2]) == _host(
            environ.get("HTTP_HOST", "")
        )
        return origin in allowed and not own


_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _survey(survey_id: str) -> tuple[Survey, bool]:
    """The survey, and whether it is only remembered: then recording makes sure of it. Raises Missing."""
    found = recording.survey_of.remembered(survey_id)
    return (public.present(found), True) if found is not None else (public.survey(survey_id), False)


def _host(name: str) -> str:
    return name.rpartition(":")[0] or name


def _body(environ: Environment) -> bytes | None:
    """The body, for JSON of a length that was announced and is not too large; it can be read once more."""
    kind, length = environ.get("CONTENT_TYPE", "").partition(";")[0], environ.get("CONTENT_LENGTH") or ""
    if (
        kind not in answers.AnswerBody.types
        or "HTTP_CONTENT_ENCODING" in environ
        or environ.get("QUERY_STRING")
    ):
        return None
    if "HTTP_TRANSFER_ENCODING" in environ or not (length.isascii() and length.isdigit() and len(length) < 6):
        return None
    if int(length) > bodies.PUBLIC_BODY:
        return None
    raw: bytes = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = io.BytesIO(raw)
    return raw if len(raw) == int(length) else None
