"""POST /r: record or amend one response, from any website that its survey allows."""

from typing import Any

from flask import jsonify, request

from surveys import recording
from surveys.base import db
from surveys.base.http.bodies import Routes
from surveys.schemas.answers import AnswerBody, RecordedBody
from surveys.views import public, short_way

routes = Routes("answers", __name__, description="For respondents: no key needed.")
public.share(routes)


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
    ended: Exception | None = request.environ.get(short_way.ENDED)
    if ended is None:
        public.limit()
    elif db.away(ended):
        # Who has waited for the database once need not wait again.
        raise ended
    chosen = public.survey(body["survey"])
    public.admit(chosen)
    if ended is not None and not isinstance(ended, recording.Changed):
        raise ended
    answer = recording.Answer(
        id=body["id"],
        revision=body["revision"],
        values={name: value for name, value in body.items() if name not in short_way.NOT_VALUES},
        edit_key=body.get("edit_key"),
        invitation=body.get("invitation"),
        person=body.get("person"),
    )
    row, created = public.taken(chosen, answer)
    return jsonify(public.shown(chosen, row)), 201 if created else 200
