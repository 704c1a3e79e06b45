"""The application: ids, headers, policies, routes."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from flask import Flask, Response, request
from flask_smorest import Blueprint

from surveys.base import errors
from surveys.base.http import openapi
from surveys.base.http.context import nonce, request_id
from surveys.base.http.problems import Problem, problem_answer, problem_of
from surveys.base.settings import Settings
from surveys.base.version import VERSION

#: No script but ours, no frame around us, nothing from elsewhere.
POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"


#: On every answer that does not say otherwise.
HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", POLICY),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
)


class Application(Flask):
    """Flask without the question, at each of ten steps of a request, whether a function is a coroutine."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """`func`: no view and no hook of ours is asynchronous."""
        return func


def install(app: Flask, settings: Settings) -> None:
    """Give `app` request ids, headers, one error shape and strict bodies."""
    app.extensions["earshot"] = settings
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False
    # Comments are text wherever they are shown: no template is exempt, whatever its ending.
    app.jinja_env.autoescape = True
    app.before_request(_begin)
    app.after_request(_finish)
    app.register_error_handler(Exception, lambda error: problem_answer(problem_of(error)))


def page_policy(frame_ancestors: str = "'none'", connect: str = "'self'") -> str:
    """The Content-Security-Policy of a page with our own nonce-marked script and style."""
    return (
        f"default-src 'none'; script-src 'nonce-{nonce()}'; style-src 'nonce-{nonce()}'; img-src 'self' data:; "
        f"connect-src {connect}; form-action 'self'; base-uri 'none'; frame-ancestors {frame_ancestors}"
    )


def _begin() -> None:
    request_id()
    if "\x00" in request.path:
        raise errors.Missing
    encoding = request.content_encoding
    if encoding and encoding.lower() != "identity":
        raise Problem(415, "Compressed bodies are not accepted.")


def _finish(answer: Response) -> Response:
    headers = answer.headers
    given = {name.lower() for name, _ in headers}
    headers.add("X-Request-Id", request_id())
    for name, value in HEADERS:
        if name.lower() not in given:
            headers.add(name, value)
    for_the_team = request.path.startswith("/api/")
    if for_the_team or request.path == "/team" or request.path.startswith("/team/"):
        # Never where respondents look: a version tells which faults to try.
        headers.add("Earshot-Version", VERSION)
    if for_the_team or answer.status_code >= 400:
        headers.setdefault("Cache-Control", "no-store")
    return answer


def route(app: Flask, blueprints: Sequence[Blueprint]) -> None:
    """Register all routes; `app.extensions["openapi"]()` is the document that describes them.

    It is put together when it is first asked for: that takes several times as long as the rest of a start.
    """
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    base_url = app.extensions["earshot"].base_url
    app.extensions["openapi"] = functools.cache(lambda: openapi.describe(blueprints, base_url))
