"""What a newcomer sees first: what is here, the ready survey's widget on a page, and any look to try."""

from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Response, g, make_response, redirect, request

from surveys import brands, catalogue, links, wording
from surveys.base.errors import Missing
from surveys.base.http import context, signed_in
from surveys.base.http.bodies import Routes
from surveys.domain import scales
from surveys.domain.metrics import METRICS
from surveys.models import Survey
from surveys.schemas.surveys import MODES, POSITIONS, THEMES, LookQuery
from surveys.views import layout, previews, widget
from surveys.widget import script

routes = Routes("welcome", __name__, description="What is here.")
layout.errors_as_pages(routes)

_REFUSED = {**layout.HTML, "description": "No such look. Said as a page."}


@routes.before_request
def _only_when_wanted() -> None:
    if not context.settings().welcome:
        raise Missing
    g.language, g.for_developers = "en", True


@routes.route("/", methods=["GET"])
@routes.doc(
    responses={"200": layout.HTML, "303": {"description": "A signed-in member is led to the overview."}}
)
def welcome() -> Any:
    """What is here: the ready survey, a demo page that embeds it, the API pages. Off with WELCOME=0."""
    if signed_in.member() is not None:
        return redirect(urlsplit(links.to("")).path.rstrip("/") + "/team", 303)
    survey = catalogue.ready()
    return layout.page(
        "welcome.html",
        "en",
        brand=brands.NONE,
        survey_id=survey.id if survey else None,
        address=links.to(""),
        # Nobody can tell from here whether the address ends in a slash, by which relative links go.
        root=links.to("/") if urlsplit(links.to("")).path else "",
        given_key=context.settings().admin_key is not None,
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
    responses={"200": layout.HTML},
)
def demo() -> Response:
    """A page such as a customer's, with the ready survey's widget in it. Off with WELCOME=0."""
    survey = catalogue.ready()
    if survey is None:
        raise Missing
    asked = request.args.get("mode")
    return layout.page(
        "demo.html",
        "en",
        brand=brands.NONE,
        # The widget calls BASE_URL, whatever name the visitor reached this page by.
        connect=f"'self' {context.settings().origin}",
        survey_id=survey.id,
        script_url=links.widget_script(survey.id),
        modes=MODES,
        mode=asked if asked in MODES else MODES[0],
    )


@routes.route("/demo/look", methods=["GET"])
@routes.arguments(LookQuery(), location="query")
@routes.doc(responses={"200": layout.HTML, "422": _REFUSED})
def look(tried: dict[str, Any]) -> Response:
    """Try how a survey looks: metric, language, mode, place, theme, and the brand with any colour, corner and font.

    Nothing is kept. Off with WELCOME=0.
    """
    survey = _imagined(tried)
    brand = brands.of(survey)
    answer = layout.page(
        "look.html",
        "en",
        survey=survey,
        color=script.colour_of(brand.options(survey.widget)),
        tried=tried,
        offered={
            "metric": METRICS,
            "lang": wording.LANGUAGES,
            "mode": MODES,
            "position": POSITIONS,
            "theme": THEMES,
            "in_widget": [None, "1", "0"],
            "formality": [None, *wording.second_wordings(tried["lang"])],
            "scale": [
                None,
                *(name for name in scales.CHOICES if not scales.objection(METRICS[tried["metric"]], name)),
            ],
        },
        notes=script.notes(brand.options(survey.widget)),
        query=urlencode({name: value for name, value in tried.items() if value is not None}),
        settings={"metric": survey.metric, "languages": survey.languages, "widget": survey.widget}
        | ({"brand": survey.brand} if survey.brand else {})
        | ({"formality": survey.formality} if survey.formality else {}),
    )
    # Page and mail stand in frames of their own.
    answer.headers["Content-Security-Policy"] += "; frame-src 'self'"
    return answer


@routes.route("/demo/look/<any(page, mail):part>", methods=["GET"])
@routes.arguments(LookQuery(), location="query")
@routes.doc(
    responses={
        "200": layout.HTML,
        "404": {"description": "There is no such part.", "content": {"application/json": {}}},
        "422": _REFUSED,
    }
)
def look_part(tried: dict[str, Any], part: str) -> Response:
    """The hosted page or the mail in the look that is tried, to be framed beside the widget."""
    return previews.framed(previews.PARTS[part](_imagined(tried), tried["lang"]))


@routes.route("/demo/look.js", methods=["GET"])
@routes.arguments(LookQuery(), location="query")
@routes.doc(
    responses={"200": {"description": "The script.", "content": {"text/javascript": {}}}, "422": _REFUSED}
)
def look_script(tried: dict[str, Any]) -> Response:
    """The widget in the look that is tried; what it would send goes nowhere."""
    made = script.files(widget.configuration(_imagined(tried), tried["lang"]))
    answer = make_response(previews.NOWHERE + made.whole)
    answer.mimetype = "text/javascript"
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


def _imagined(tried: dict[str, Any]) -> Survey:
    """A survey of this look that is in no table, and that may be asked again at once."""
    own = {name: tried[name] for name in ("name", "corner", "font") if tried[name] is not None}
    if tried["in_widget"] is not None:
        own["in_widget"] = tried["in_widget"] == "1"
    return Survey(
        id=f"look-{tried['metric']}",
        name="Acme",
        product="Acme",
        metric=tried["metric"],
        languages=[tried["lang"]],
        wait_after_answer_days=0,
        wait_after_decline_days=0,
        formality=tried["formality"],
        brand=own,
        widget={
            name: tried[name]
            for name in ("mode", "position", "theme", "scale", "color")
            if tried[name] is not None
        },
    )
