"""What the public routes share: who may call from where, how often, and what a caller's answer becomes."""

from typing import Any

from flask import Blueprint, Response, current_app, g, request

from surveys import recording, refused_origins, responses
from surveys.base import clock, errors, signing
from surveys.base.http import callers, context, limits, observe
from surveys.base.http.problems import Problem
from surveys.models import Survey


def limit() -> None:
    """Count this write against PUBLIC_LIMIT; a 429 when there were too many."""
    limiter: limits.Limiter = current_app.extensions["limiter"]
    wait = limiter.allow(callers.client_address())
    if wait:
        raise too_many(wait)


def too_many(wait: int) -> Problem:
    """The 429 of an address that may write again in `wait` seconds."""
    return Problem(
        429,
        f"Too many writes from this address; try again in {wait} s.",
        headers={"Retry-After": str(wait)},
    )


def survey(survey_id: str) -> Survey:
    """The survey, for respondents. Raises Missing where there is none, as for one that was archived."""
    return present(recording.survey_of(survey_id))


def present(found: Survey | None) -> Survey:
    """What was found, for respondents. Raises Missing as `survey` does."""
    if found is None or (
        found.archived_at is not None and clock.now() > found.archived_at + recording.ARCHIVED_GRACE
    ):
        raise errors.Missing
    return found


def foreign_origin() -> str | None:
    """The Origin of a call from another site; None for same-origin calls and for those without the header."""
    origin = request.headers.get("Origin")
    if origin is None:
        return None
    own = {context.settings().origin, f"{request.scheme}://{request.host}"}
    return None if origin in own else origin


def admit_form() -> None:
    """A 403 for a form that another site sent."""
    # Browsers send no Origin, or "null", from private and framed pages; the token is the authority.
    if foreign_origin() not in (None, "null"):
        raise errors.Forbidden("This form takes no answers from other sites.")


def form_token(page_token: str) -> str:
    """What forms carry in their field `token`, on a page whose address is a secret: whoever sends one opened it."""
    return signing.derive("token page", page_token)


def is_of_page(given: dict[str, Any], page_token: str) -> bool:
    """Whether a form came from the page at this address, by the hand of a person. A 403 for one of another site."""
    admit_form()
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        raise errors.Forbidden("This form takes no answers from other sites.")
    # A browser sends a form to go on to its answer; what it sends for a script is no form.
    goes_on = request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
    return goes_on and not by_script(given) and signing.same(given["token"], form_token(page_token))


def by_script(given: dict[str, Any]) -> bool:
    """True for a form that a script sent before any person acted on the page; see `hosted/acts.js`."""
    return given["acted"] == ""


def share(routes: Blueprint) -> None:
    """Let pages of the origins that a survey allows read what these routes answer."""
    routes.before_request(_remember_origin)
    routes.after_request(_share)


def admit(chosen: Survey) -> None:
    """A 403 for a call from another site that the survey does not allow."""
    if g.origin is None:
        return
    if g.origin not in chosen.allowed_origins:
        refused, g.origin = g.origin, None
        observe.ORIGINS_REFUSED.inc()
        refused_origins.note(chosen, refused, clock.now())
        raise errors.Forbidden(f"The survey's allowed_origins do not name {refused[:200]}.")
    g.origin_allowed = True


def refusal(chosen: Survey) -> str | None:
    """What is to be done so that the survey takes what comes from the page that calls; None where it does."""
    origin = foreign_origin()
    if origin is None or origin in chosen.allowed_origins:
        return None
    if origin == "null":
        return (
            f"Earshot: survey {chosen.id} takes no answers from a page without an origin; "
            "a sandboxed frame has one with allow-same-origin."
        )
    name = "".join(char for char in origin if char.isprintable())[:200]
    return f"Earshot: survey {chosen.id} takes no answers from {name} until its allowed_origins name that."


def preflight() -> Any:
    """The answer to a CORS preflight: 204 when some survey allows the origin, else 403."""
    origin = request.headers.get("Origin")
    if origin is None:
        return _empty({"Allow": "OPTIONS, POST"})
    if g.origin is not None and not any_survey_allows(origin):
        observe.ORIGINS_REFUSED.inc()
        raise errors.Forbidden("No survey allows this origin.")
    g.origin, g.origin_allowed = origin, True
    return _empty(
        {
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "content-type",
            "Access-Control-Max-Age": "86400",
        }
    )


def _empty(headers: dict[str, str]) -> Response:
    answer = Response(status=204, headers=headers)
    # Nothing has no type.
    del answer.headers["Content-Type"]
    return answer


def _remember_origin() -> None:
    g.origin = foreign_origin()


def _share(answer: Response) -> Response:
    answer.headers.add("Vary", "Origin")
    # A compressed body is refused before `_remember_origin`.
    origin = g.origin if "origin" in g else foreign_origin()
    # Only once the survey is known to allow the origin; then on errors too, so that the page can read them.
    if origin and (g.get("origin_allowed") or (answer.status_code not in (201, 200, 403) and _known(origin))):
        allow_origin(answer, origin)
    return answer


def _known(origin: str) -> bool:
    try:
        return any_survey_allows(origin)
    except Exception:
        # The database is away: without this header the page could not even read the 503.
        return origin != "null"


def allow_origin(answer: Response, origin: str) -> Response:
    """CORS for one exact origin, never with credentials."""
    answer.headers["Access-Control-Allow-Origin"] = origin
    # A page must be able to read how long to wait.
    answer.headers["Access-Control-Expose-Headers"] = "Retry-After"
    return answer


def any_survey_allows(origin: str) -> bool:
    """True when some survey that is not archived names this origin."""
    rows = Survey.select(Survey.allowed_origins).where(Survey.status != "archived")
    return any(origin in row.allowed_origins for row in rows)


def taken(chosen: Survey, answer: recording.Answer) -> tuple[responses.Response, bool]:
    """Record an answer that came from the caller's network."""
    answer.network = limits.network(callers.client_address(), 24, 48)
    return recording.record(chosen, answer, clock.now(), context.settings().public_limit)


def shown(chosen: Survey, row: responses.Response) -> dict[str, Any]:
    """What a recording answers."""
    return {
        "id": row.id,
        "survey": row.survey_id,
        "score": row.score,
        "group": row.group,
        "revision": row.revision,
        "created_at": clock.stamp(row.created_at),
        "editable_until": clock.stamp(recording.editable_until(chosen, row)),
    }
