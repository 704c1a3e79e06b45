"""POST /r: record or amend one response, from any website that its survey allows."""

from typing import Any

from flask import Response, g, jsonify, request

from surveys import responses
from surveys.base.web import Problem, Routes
from surveys.schemas import AnswerBody, RecordedBody
from surveys.views import public

routes = Routes("answers", __name__, description="For respondents: no key needed.")

_NOT_VALUES = ("id", "revision", "survey", "edit_key", "invitation", "person")


@routes.before_request
def _remember_origin() -> None:
    g.origin = public.foreign_origin()


@routes.after_request
def _share(answer: Response) -> Response:
    answer.vary.add("Origin")
    # A compressed body is refused before `_remember_origin`.
    origin = g.origin if "origin" in g else public.foreign_origin()
    # Only once the survey is known to allow the origin; then on errors too, so that the page can read them.
    if origin and (g.get("origin_allowed") or (answer.status_code not in (201, 200, 403) and _known(origin))):
        public.allow_origin(answer, origin)
    return answer


def _known(origin: str) -> bool:
    try:
        return public.any_survey_allows(origin)
    except Exception:
        # The database is away: without this header the page could not even read the 503.
        return origin != "null"


@routes.route("/r", methods=["OPTIONS"])
def preflight() -> Any:
    """CORS preflight."""
    origin = request.headers.get("Origin")
    if origin is None:
        return "", 204, {"Allow": "OPTIONS, POST"}
    if g.origin is not None and not public.any_survey_allows(origin):
        raise Problem(403, "No survey allows this origin.")
    g.origin, g.origin_allowed = origin, True
    return (
        "",
        204,
        {
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "content-type",
            "Access-Control-Max-Age": "86400",
        },
    )


@routes.route("/r", methods=["POST"])
@routes.arguments(AnswerBody())
@routes.response(201, RecordedBody)
@routes.alt_response(200, schema=RecordedBody, description="Amended, or repeated.")
def record(body: dict[str, Any]) -> Any:
    """Record or amend one response.

    Exactly once by construction: the same `id` any number of times gives one row. Each field keeps the value of
    the highest `revision` that carried it. The answer is sent after the commit.
    """
    public.limit()
    chosen = public.survey(body["survey"])
    if g.origin is not None:
        if g.origin not in chosen.allowed_origins:
            g.origin = None
            raise Problem(403, "This survey does not take answers from this origin.")
        g.origin_allowed = True
    answer = responses.Answer(
        id=body["id"],
        revision=body["revision"],
        values={name: value for name, value in body.items() if name not in _NOT_VALUES},
        edit_key=body.get("edit_key"),
        invitation=body.get("invitation"),
        person=body.get("person"),
    )
    row, created = public.taken(chosen, answer)
    return jsonify(public.shown(chosen, row)), 201 if created else 200
