"""GET /w/{survey}.js: the script a website embeds, with the survey inside."""

from flask import Response, request

from surveys import catalogue, wording
from surveys.base import web
from surveys.base.web import Routes
from surveys.domain.metrics import METRICS
from surveys.models import Survey
from surveys.widget import script as embedded

routes = Routes("widget", __name__, description="For respondents: no key needed.")

CACHE = "public, max-age=300, stale-while-revalidate=86400"


@routes.route("/w/<survey_id>.js", methods=["GET"])
@routes.doc(
    summary="The widget's script",
    responses={"200": {"description": "The script, with the survey's configuration inside."}},
    parameters=[
        {"in": "query", "name": "lang", "schema": {"type": "string"}, "description": "Its language."}
    ],
)
def script(survey_id: str) -> Response:
    """The widget with this survey's configuration inside: one request, and nothing more until a survey shows."""
    survey = Survey.get_or_none(Survey.id == survey_id)
    if survey is None or survey.status == "archived":
        # An empty script: the page that embeds it must not notice.
        answer = Response("", 404, mimetype="text/javascript")
        answer.headers["Cache-Control"] = "public, max-age=60"
    else:
        asked = request.args.get("lang")
        wishes = [asked] if asked else wording.parse_accept_language(request.headers.get("Accept-Language"))
        body = embedded.script(configuration(survey, catalogue.language_for(survey, wishes)))
        answer = Response(body, content_type="text/javascript; charset=utf-8")
        answer.headers["Cache-Control"] = CACHE
        answer.headers["ETag"] = embedded.etag(body)
        if not asked:
            answer.vary.add("Accept-Language")
        answer.make_conditional(request)
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer


def configuration(survey: Survey, language: str) -> embedded.Config:
    """What the widget needs to know of a survey, in one language."""
    metric = METRICS[survey.metric]
    texts = catalogue.texts(survey, language)
    return {
        "survey": survey.id,
        "endpoint": web.settings().base_url,
        "min": metric.minimum,
        "max": metric.maximum,
        "groups": {group.key: (group.low, group.high) for group in metric.groups},
        "language": texts.language,
        "dir": texts.direction,  # type: ignore[typeddict-item]
        "texts": {
            "question": texts.question,
            "labels": {str(score): label for score, label in texts.labels.items()},
            "follow_up": texts.follow_up,
            "thanks": texts.thanks,
            "ui": {
                name: wording.text(language, f"ui.{name}") for name in ("survey", "send", "close", "saved")
            },  # type: ignore[typeddict-item]
        },
        "widget": dict(survey.widget),  # type: ignore[typeddict-item]
        "sampling": survey.sampling,
        "wait_after_answer_days": survey.wait_after_answer_days,
        "wait_after_decline_days": survey.wait_after_decline_days,
        "paused": survey.status != "active",
    }
