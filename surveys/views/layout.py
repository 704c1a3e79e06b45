"""What all pages for people share: language, colours, policy; and errors as pages."""

import re
from typing import Any

from flask import Flask, Response, g, make_response, render_template, request
from markupsafe import Markup, escape

from surveys import brands, wording
from surveys.base import db
from surveys.base.http import app, context, problems
from surveys.base.http.bodies import Routes
from surveys.base.http.problems import Problem
from surveys.models import Survey
from surveys.widget import drawings, script

#: What the document says of a page.
HTML = {"description": "The page.", "content": {"text/html": {"schema": {"type": "string"}}}}

#: What the document says of the query of a page that is in no survey's own languages.
LANGUAGE = [
    {"in": "query", "name": "lang", "schema": {"type": "string"}, "description": "The language of the page."}
]

#: What a respondent is told of an error unless `g.told` knows better; statuses not named here get `ui.error`.
_TOLD = {
    **dict.fromkeys((400, 403, 405, 415, 422), "ui.wrong"),
    404: "ui.no_page",
    409: "ui.expired",
    410: "ui.expired",
    413: "ui.too_long",
    429: "ui.too_many",
    503: "ui.away",
}

#: About these nobody need ask us.
_PLAIN = (404, 405, 409, 410, 413, 429)

#: Addresses of programs, which are told errors as JSON whatever they say that they read: many name text/html first.
_OF_PROGRAMS = re.compile(
    r"/(api|healthz|in|mcp|metrics|r|readyz|trackers|w)(/|\Z)|/feed/.*\.(csv|json|xlsx|xml)\Z|/openapi\.json\Z"
)

#: After these the same form may succeed a moment later, so the page offers to send it again.
_PASSING = (429, 500, 503)


def wishes() -> list[str]:
    """The languages this visitor wants, the best first: `lang` in the address, then Accept-Language."""
    asked = request.args.get("lang")
    return [
        *([asked] if asked else []),
        *wording.parse_accept_language(request.headers.get("Accept-Language")),
    ]


def language_for(known: str | None) -> str:
    """The language of a page of no survey: as the address says, as the person's mail was, as the browser says."""
    wanted = [request.args.get("lang"), known, *wishes()]
    return wording.choose([wish for wish in wanted if wish], list(wording.LANGUAGES), wording.FALLBACK)


def page(
    template: str,
    language: str,
    status: int = 200,
    survey: Survey | None = None,
    brand: brands.Look | None = None,
    frame_ancestors: str = "'none'",
    connect: str = "'self'",
    **values: Any,
) -> Response:
    """A page in `language`, with the looks and the brand of `survey` (default: the service's), kept by no shared cache.

    `brand`: another one. `frame_ancestors` and `connect` are source lists of the policy (CSP 3). What else the template
    needs is in `values`.
    """
    if brand is None:
        brand = brands.of(survey) if survey else brands.service()
    options = brand.options(survey.widget if survey else {})
    voice = wording.voice(language, brand.formality)
    body = render_template(
        template,
        language=language,
        direction=wording.direction(language),
        colon=wording.colon(language),
        say=lambda key, **words: wording.text(voice, key, **words),
        whole=_whole,
        broken=_broken,
        nonce=context.nonce(),
        inline=script.inline,
        drawings=drawings.paths,
        palette=script.schemes(script.colour_of(options)),
        theme=options.get("theme") or "auto",
        brand=brand,
        # A page cannot know the path under which a proxy serves it, but how far it is below.
        up="../" * (request.path.count("/") - 1),
        **values,
    )
    answer = make_response(body, status)
    answer.headers["Content-Security-Policy"] = app.page_policy(frame_ancestors, connect)
    # Not "no-store": going back must find the same form, so that it still fills the same answer.
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["X-Robots-Tag"] = "noindex"
    answer.vary.add("Accept-Language")
    return answer


def _whole(text: str) -> Markup:
    """A text whose words with a hyphen stay on one line: browsers end lines after any hyphen, and leave "e-" there."""
    words = (
        f'<span class="whole">{escape(word)}</span>' if "-" in word else escape(word)
        for word in text.split(" ")
    )
    return Markup(" ".join(words))  # noqa: S704 (each word is escaped)


def _broken(address: str) -> Markup:
    """An address that breaks before "@" and dots where it is longer than a line, and elsewhere only at need."""
    parts = re.split("(?=[@.])", address)
    return Markup("").join(Markup('<span class="whole">{}</span>').format(part) for part in parts)


def errors_as_pages(routes: Routes) -> None:
    """Show the errors of these routes as pages in the visitor's language instead of as JSON."""
    routes.register_error_handler(Exception, lambda error: problem_page(problems.problem_of(error)))


def install(app: Flask) -> None:
    """Show errors as pages to browsers that come to an address that is none, or is no page: a link that was cut off."""
    app.register_error_handler(Exception, lambda error: answered(problems.problem_of(error)))


def answered(problem: Problem) -> Response:
    """An error as whoever asks reads it: a page for browsers, JSON for programs."""
    if _OF_PROGRAMS.match(request.path):
        return problems.problem_answer(problem)
    answer = problem_page(problem) if _reads_pages() else problems.problem_answer(problem)
    answer.vary.add("Accept")
    return answer


def _reads_pages() -> bool:
    """Whether whoever asks would rather read a page than JSON, or than just anything (`Accept`, RFC 9110, 12.5.1)."""
    accepted = request.accept_mimetypes
    anything = max((quality for kind, quality in accepted if kind == "*/*"), default=0)
    return accepted.quality("text/html") > max(accepted.quality("application/json"), anything)


def keep_private(routes: Routes) -> None:
    """Let nobody keep these pages or learn their addresses: each address is a secret of one person."""
    routes.after_request(_keep_private)


def _keep_private(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def _looks(status: int) -> tuple[Survey | None, brands.Look]:
    """The survey whose page says an error (`g.asking`), and its brand, else the service's; neither where the database
    may be what failed.
    """
    try:
        if status < 500:
            survey: Survey | None = g.get("asking")
            return survey, brands.of(survey) if survey else brands.service()
    except db.FAILURES:
        pass
    return None, brands.NONE


def problem_page(problem: Problem) -> Response:
    """An error as a page; what was typed into a form is offered for sending again."""
    language = g.get("language") or wording.choose(wishes(), list(wording.LANGUAGES), wording.FALLBACK)
    typed = g.get("typed", {}) if problem.status in _PASSING else {}
    survey, brand = _looks(problem.status)
    voice = wording.voice(language, brand.formality)
    answer = page(
        "problem.html",
        language,
        problem.status,
        survey,
        message=wording.text(voice, g.get("told") or _TOLD.get(problem.status, "ui.error")),
        # Why there may be no such survey; the other words say it themselves.
        hint=wording.text(voice, "ui.link_hint") if g.get("told") == "ui.not_found" else None,
        typed=typed,
        # What is over can no longer be answered; what was answered can still be seen and deleted.
        my_page=g.get("my_page") if problem.status == 410 else None,
        # A page for developers names the fields instead.
        wrong=sorted(problem.fields.items()) if g.get("for_developers") else [],
        reference=None if problem.status in _PLAIN or g.get("for_developers") else context.request_id(),
        brand=brand,
        frame_ancestors=g.get("frame_ancestors", "'none'"),
    )
    answer.headers.extend(problem.headers)
    answer.headers["Cache-Control"] = "no-store"
    return answer
