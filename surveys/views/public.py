"""What the public routes share: who may call from where, how often, and what a caller's answer becomes."""

from typing import Any

from flask import Response, current_app, request

from surveys import responses
from surveys.base import clock, db, limits, web
from surveys.base.web import Problem
from surveys.models import Survey


def limit() -> None:
    """Count this write against PUBLIC_LIMIT; a 429 when there were too many."""
    limiter: limits.Limiter = current_app.extensions["limiter"]
    wait = limiter.allow(web.client_address())
    if wait:
        raise Problem(
            429,
            f"Too many writes from this address; try again in {wait} s.",
            headers={"Retry-After": str(wait)},
        )


def survey(survey_id: str) -> Survey:
    """The survey, for respondents: an archived one is not there."""
    found = _survey(survey_id)
    if found is None or (
        found.archived_at is not None and clock.now() > found.archived_at + responses.ARCHIVED_GRACE
    ):
        raise web.not_found()
    return found


_survey = db.Lookup(Survey.id)


def foreign_origin() -> str | None:
    """The Origin of a call from another site; None for same-origin calls and for those without the header."""
    origin = request.headers.get("Origin")
    if origin is None:
        return None
    own = {web.settings().base_url, f"{request.scheme}://{request.host}"}
    return None if origin in own else origin


def allow_origin(answer: Response, origin: str) -> Response:
    """CORS for one exact origin, never with credentials."""
    answer.headers["Access-Control-Allow-Origin"] = origin
    # A page must be able to read how long to wait.
    answer.headers["Access-Control-Expose-Headers"] = "Retry-After"
    answer.vary.add("Origin")
    return answer


def any_survey_allows(origin: str) -> bool:
    """True when some survey that is not archived names this origin."""
    rows = Survey.select(Survey.allowed_origins).where(Survey.status != "archived")
    return any(origin in row.allowed_origins for row in rows)


def taken(chosen: Survey, answer: responses.Answer) -> tuple[responses.Response, bool]:
    """Record an answer; what the verb refuses becomes the contract's status."""
    answer.network = limits.network(web.client_address(), 24, 48)
    try:
        return responses.record(chosen, answer, clock.now(), web.settings().public_limit)
    except responses.Clash as clash:
        fields = {clash.field: [clash.message]} if clash.field else {}
        raise Problem(409, clash.message, fields) from None
    except responses.Refused as refused:
        raise web.invalid(refused.field or "_", refused.message) from None
    except LookupError:
        raise web.not_found() from None


def shown(chosen: Survey, row: responses.Response) -> dict[str, Any]:
    """What a recording answers."""
    return {
        "id": row.id,
        "survey": row.survey_id,
        "score": row.score,
        "group": row.group,
        "revision": row.revision,
        "created_at": clock.stamp(row.created_at),
        "editable_until": clock.stamp(responses.editable_until(chosen, row)),
    }
