"""Surveys over the API."""

import html
import io
from typing import Any

import segno
from flask import Response, g, make_response

from surveys import catalogue, links, people, refused_origins, visible
from surveys.base import clock, errors
from surveys.base.delivery import mail
from surveys.base.http import context, lists
from surveys.base.http.bodies import Routes
from surveys.base.http.callers import needs
from surveys.base.http.replays import idempotent_secret
from surveys.mail import invitation_mail
from surveys.models import Survey
from surveys.schemas.surveys import (
    DeleteQuery,
    PreviewQuery,
    QRQuery,
    Snippet,
    SnippetQuery,
    SurveyBody,
    SurveyCreated,
    SurveyList,
    SurveyOut,
    SurveyPatch,
    SurveyQuery,
    check_words,
)

WORDS = ("metric", "follow_up", "follow_up_type", "choices", "thanks", "labels", "open_follow_ups", "widget")

routes = Routes(
    "surveys", __name__, url_prefix="/api/surveys", description="What is asked, of whom, and how."
)


@routes.route("", methods=["GET"])
@needs("read")
@routes.arguments(SurveyQuery, location="query")
@routes.response(200, SurveyList)
def index(query: dict[str, Any]) -> Any:
    """Surveys, newest first."""
    found = visible.surveys(g.caller)
    if query.get("status"):
        found = found.where(Survey.status == query["status"])
    rows, following = lists.newest_first(
        found, Survey.created_at, Survey.id, query.get("cursor"), query["limit"]
    )
    return {"items": _seen(rows), "next": following}


@routes.route("", methods=["POST"])
@needs("write")
@idempotent_secret
@routes.arguments(SurveyBody)
@routes.response(201, SurveyCreated)
def create(body: dict[str, Any]) -> Any:
    """Make a survey. `identity_secret` is shown this once."""
    visible.demand_all(g.caller, "You see only some surveys and cannot make others.")
    survey = catalogue.create(body, clock.now())
    return _with_secret(survey, people.identity_secret(survey))


@routes.route("/<survey_id>", methods=["GET"])
@needs("read")
@routes.response(200, SurveyOut)
def show(survey_id: str) -> Any:
    """One survey, with the origins that it refused of late."""
    return _seen([visible.own(Survey, survey_id, g.caller)])[0]


@routes.route("/<survey_id>", methods=["PATCH"])
@needs("write")
@routes.arguments(SurveyPatch)
@routes.response(200, SurveyCreated)
def change(body: dict[str, Any], survey_id: str) -> Any:
    """Change a survey. A change of metric or wording raises `definition`; of the metric, once answered, is a 409."""
    survey = visible.own(Survey, survey_id, g.caller)
    fresh_secret = body.pop("new_identity_secret", False)
    merged = {name: getattr(survey, name) for name in WORDS} | body
    check_words(merged["metric"], merged)
    changed = catalogue.change(survey, body, clock.now())
    if fresh_secret:
        return _with_secret(changed, catalogue.new_identity_secret(changed, clock.now()))
    return changed


@routes.route("/<survey_id>", methods=["DELETE"])
@needs("write")
@routes.arguments(DeleteQuery, location="query")
@routes.response(204)
def delete(query: dict[str, Any], survey_id: str) -> Any:
    """Delete a survey. With responses a 409, unless `?responses=delete` and the scope admin."""
    survey = visible.own(Survey, survey_id, g.caller)
    with_responses = query.get("responses") == "delete"
    if with_responses and not g.caller.may("admin"):
        raise errors.Forbidden(g.caller.lacking("admin"))
    catalogue.delete(survey, with_responses, clock.now())


@routes.route("/<survey_id>/snippet", methods=["GET"])
@needs("read")
@routes.arguments(SnippetQuery, location="query")
@routes.response(200, Snippet)
def snippet(query: dict[str, Any], survey_id: str) -> Any:
    """What to paste into a page, and the address of the hosted page."""
    survey = visible.own(Survey, survey_id, g.caller)
    address = links.widget_script(survey.id)
    if query.get("lang"):
        address += "?lang=" + query["lang"]
    mode = f' data-mode="{html.escape(query["mode"])}"' if query.get("mode") else ""
    return {
        "html": f'<script async src="{html.escape(address)}"{mode}></script>',
        "script_url": address,
        "page_url": links.survey_page(survey.id, lang=query.get("lang")),
    }


@routes.route("/<survey_id>/qr.<any(svg, png):kind>", methods=["GET"])
@needs("read")
@routes.arguments(QRQuery, location="query")
@routes.doc(
    responses={"200": {"description": "The code.", "content": {"image/svg+xml": {}, "image/png": {}}}}
)
def qr(query: dict[str, Any], survey_id: str, kind: str) -> Response:
    """The hosted page's address as a QR code, error correction M, with its quiet zone."""
    survey = visible.own(Survey, survey_id, g.caller)
    try:
        code = segno.make(links.survey_page(survey.id, **query), error="m", micro=False)
    except segno.DataOverflowError:
        raise errors.Refused("Is too long for a QR code.", "touchpoint") from None
    picture = io.BytesIO()
    code.save(picture, kind=kind, scale=8, border=4)
    answer = make_response(picture.getvalue())
    answer.mimetype = "image/svg+xml" if kind == "svg" else "image/png"
    return answer


@routes.route("/<survey_id>/preview.eml", methods=["GET"])
@needs("read")
@routes.arguments(PreviewQuery, location="query")
@routes.doc(responses={"200": {"description": "The mail.", "content": {"message/rfc822": {}}}})
def preview(query: dict[str, Any], survey_id: str) -> Response:
    """The mail that asks, or its reminder, as an invented person would get it; its links lead to no invitation."""
    survey = visible.own(Survey, survey_id, g.caller)
    sender = context.settings().mail_from or mail.NOBODY
    message = invitation_mail.example(
        survey, query.get("lang"), "robin@example.com", query["reminder"] == "1"
    )
    answer = make_response(mail.as_bytes(message, sender, clock.now()))
    answer.mimetype = "message/rfc822"
    return answer


def _seen(surveys: list[Survey]) -> list[dict[str, Any]]:
    """Surveys as SurveyOut shows them."""
    refused = refused_origins.of(surveys)
    return [{**survey.__data__, "refused_origins": refused[survey.id]} for survey in surveys]


def _with_secret(survey: Survey, secret: str) -> dict[str, Any]:
    return {**survey.__data__, "identity_secret": secret}
