"""What a newcomer sees first: what is here, and the ready survey's widget on a page."""

from flask import Response, request

from surveys import links
from surveys.base import web
from surveys.base.web import Routes
from surveys.models import Survey
from surveys.schemas.surveys import MODES
from surveys.views import layout

routes = Routes("welcome", __name__, description="What is here.")
layout.errors_as_pages(routes)

_HTML = {"description": "The page.", "content": {"text/html": {"schema": {"type": "string"}}}}


@routes.before_request
def _only_when_wanted() -> None:
    if not web.settings().welcome:
        raise web.not_found()


@routes.route("/", methods=["GET"])
@routes.doc(responses={"200": _HTML})
def welcome() -> Response:
    """What is here: the ready survey, a demo page that embeds it, the API pages. Off with WELCOME=0."""
    return layout.page(
        "welcome.html",
        "en",
        survey_id=_ready(),
        address=links.to(""),
        given_key=web.settings().admin_key is not None,
    )


@routes.route("/demo", methods=["GET"])
@routes.doc(
    parameters=[
        {
            "in": "query",
            "name": "mode",
            "schema": {"type": "string"},
            "description": f"One of {', '.join(MODES)}; anything else is the first of them.",
        }
    ],
    responses={"200": _HTML},
)
def demo() -> Response:
    """A page such as a customer's, with the ready survey's widget in it. Off with WELCOME=0."""
    survey_id = _ready()
    if survey_id is None:
        raise web.not_found()
    asked = request.args.get("mode")
    return layout.page(
        "demo.html",
        "en",
        # The widget calls BASE_URL, whatever name the visitor reached this page by.
        connect=f"'self' {web.settings().base_url}",
        survey_id=survey_id,
        script_url=links.widget_script(survey_id),
        modes=MODES,
        mode=asked if asked in MODES else MODES[0],
    )


def _ready() -> str | None:
    """The id of the survey that has been active longest: on a first start the one made for it."""
    survey = Survey.select().where(Survey.status == "active").order_by(Survey.created_at).first()
    return survey.id if survey else None
