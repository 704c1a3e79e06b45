"""The widget: one file with everything inside, or a loader and the panel that it loads when a survey is to show."""

from collections.abc import Callable
from typing import Any

from flask import Response, request

from surveys import brands, wording
from surveys import texts as the_texts
from surveys.base.http import context
from surveys.base.http.bodies import Routes
from surveys.domain.metrics import METRICS
from surveys.models import Survey
from surveys.schemas.asks import OriginOut
from surveys.views import public
from surveys.widget import encodings
from surveys.widget import script as embedded

routes = Routes("widget", __name__, description="For respondents: no key needed.")

CACHE = "public, max-age=300, stale-while-revalidate=86400"
IMMUTABLE = "public, max-age=31536000, immutable"

_ANY_SITE = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}

_LANGUAGE = [{"in": "query", "name": "lang", "schema": {"type": "string"}, "description": "Its language."}]
_SCRIPT = {"text/javascript": {"schema": {"type": "string"}}}


def _documented(script: str) -> dict[str, dict[str, object]]:
    """What the document says of a route that gives `script`."""
    return {
        "200": {"description": script, "content": _SCRIPT},
        "304": {"description": "The caller's copy is still the one."},
        "404": {"description": "An empty script: no such survey, or an archived one.", "content": _SCRIPT},
    }


@routes.route("/w/<survey_id>.js", methods=["GET"])
@routes.doc(
    summary="The widget's script",
    responses=_documented("The script, with the survey's rules and words inside."),
    parameters=_LANGUAGE,
)
def script(survey_id: str) -> Response:
    """The widget with this survey's configuration inside: one request, and nothing more until a survey shows."""
    return _in_a_language(survey_id, lambda made: made.whole)


@routes.route("/w/<survey_id>/loader.js", methods=["GET"])
@routes.doc(
    summary="The widget's loader",
    responses=_documented("The script with the survey's rules alone."),
    parameters=_LANGUAGE,
)
def loader(survey_id: str) -> Response:
    """The light way to embed: the rules in about 1 KiB; the panel comes only when a survey is to show."""
    return _in_a_language(survey_id, lambda made: made.loader)


def _in_a_language(survey_id: str, part: Callable[[embedded.Files], bytes]) -> Response:
    survey = _survey(survey_id)
    if survey is None:
        return _nothing()
    asked = request.args.get("lang")
    wishes = [asked] if asked else wording.parse_accept_language(request.headers.get("Accept-Language"))
    made = embedded.files(configuration(survey, the_texts.language_for(survey, wishes)))
    answer = _answer(part(made), CACHE)
    if not asked:
        answer.vary.add("Accept-Language")
    return answer


@routes.route("/w/<survey_id>/<language>.js", methods=["GET"])
@routes.doc(
    summary="The widget's panel",
    responses=_documented("A JavaScript module: the panel, with its words in one language."),
)
def panel(survey_id: str, language: str) -> Response:
    """The panel in a language. With its own integrity as query it never changes; without, it is the latest."""
    survey = _survey(survey_id)
    if survey is None:
        return _nothing()
    made = embedded.files(configuration(survey, the_texts.language_for(survey, [language])))
    is_this = request.query_string.decode("latin-1") == made.integrity
    return _answer(made.panel, IMMUTABLE if is_this else CACHE)


@routes.route("/w/<survey_id>/origin", methods=["GET"])
@routes.response(200, OriginOut)
def origin(survey_id: str) -> Any:
    """Does this survey refuse answers from the page that asks?

    No page may read that from the refusal itself, which carries no CORS headers and looks like a broken line. Any page
    may read this; it tells no more than an attempt to answer does.
    """
    refused = public.refusal(public.survey(survey_id))
    return {"refused": refused}, 200, {**_ANY_SITE, "Cache-Control": "no-store", "Vary": "Origin"}


def _survey(survey_id: str) -> Survey | None:
    return Survey.get_or_none((Survey.id == survey_id) & (Survey.status != "archived"))


def _nothing() -> Response:
    """An empty script: the page that embeds it must not notice."""
    answer = Response("", 404, mimetype="text/javascript")
    answer.headers["Cache-Control"] = "public, max-age=60"
    return _open(answer)


def _answer(content: bytes, cache: str) -> Response:
    """A script in the encoding the browser likes best, each with an entity tag of its own."""
    encoding = encodings.best(request.headers.get("Accept-Encoding"))
    answer = Response(encodings.encoded(content, encoding), content_type="text/javascript; charset=utf-8")
    if encoding:
        answer.headers["Content-Encoding"] = encoding
    answer.headers["Cache-Control"] = cache
    answer.headers["ETag"] = embedded.etag(content, encoding)
    answer.vary.add("Accept-Encoding")
    answer.make_conditional(request)
    return _open(answer)


def _open(answer: Response) -> Response:
    """Any site may embed it."""
    answer.headers.update(_ANY_SITE)
    return answer


def configuration(survey: Survey, language: str) -> embedded.Config:
    """What the widget needs to know of a survey, in one language."""
    metric = METRICS[survey.metric]
    texts, brand = the_texts.of(survey, language), brands.of(survey)
    made: embedded.Config = {
        "survey": survey.id,
        "endpoint": context.settings().base_url,
        "min": metric.minimum,
        "max": metric.maximum,
        "scale": texts.scale,
        "groups": {group.key: (group.low, group.high) for group in metric.groups},
        "language": texts.language,
        "dir": texts.direction,  # type: ignore[typeddict-item]
        "texts": _words(texts, survey.ask_contact),
        "widget": brand.options(survey.widget),  # type: ignore[typeddict-item]
        "sampling": survey.sampling,
        "wait_after_answer_days": survey.wait_after_answer_days,
        "wait_after_decline_days": survey.wait_after_decline_days,
        "many": survey.follow_up_type == "many_choices",
        "paused": survey.status != "active",
    }
    if worn := brand.worn():
        made["brand"] = worn  # type: ignore[typeddict-item]
    return made


def _words(texts: the_texts.Texts, asks_contact: bool) -> embedded.Texts:
    said: embedded.Texts = {
        "question": texts.question,
        "labels": {str(score): label for score, label in texts.labels.items()},
        "follow_up": texts.follow_up,
        "thanks": texts.thanks,
        "ui": {
            name: wording.text(texts.voice, f"ui.{name}") for name in ("survey", "send", "close", "saved")
        },  # type: ignore[typeddict-item]
    }
    if asks_contact:
        question, reply, news = (
            wording.text(texts.voice, f"contact.{name}") for name in ("question", "reply", "news")
        )
        said["contact"] = (question, reply, news)
    if texts.choices:
        said["choices"] = texts.choices
    if texts.link:
        said["link"] = {"text": texts.link["text"], "url": texts.link["url"]}
    return said
