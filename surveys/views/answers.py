"""POST /r: record or amend one response, from any website that its survey allows."""

from typing import Any

from flask import jsonify

from surveys import responses
from surveys.base.http.bodies import Routes
from surveys.schemas.answers import AnswerBody, RecordedBody
from surveys.views import public

routes = Routes("answers", __name__, description="For respondents: no key needed.")
public.share(routes)

_NOT_VALUES = ("id", "revision", "survey", "edit_key", "invitation", "person")


@routes.route("/r", methods=["OPTIONS"])
@routes.doc(responses={"204": {"description": "A survey allows the origin."}})
def preflight() -> Any:
    """CORS preflight."""
    return public.preflight()


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
    public.admit(chosen)
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
