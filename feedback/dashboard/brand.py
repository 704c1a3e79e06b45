"""The company that asks: its brand for all surveys as a form, tried out beside it as page, widget and mail."""

from collections.abc import Mapping
from typing import Any

from flask import request

from feedback.dashboard import forms, layout, registry, survey_form, words
from feedback.dashboard.survey_form import Field
from surveys import brands, catalogue, visible, wording
from surveys.base import clock
from surveys.base.errors import Clash
from surveys.base.http import audited
from surveys.domain import pictures
from surveys.domain.metrics import METRICS
from surveys.models import Survey
from surveys.schemas.brand import ServiceBrand
from surveys.views import previews
from surveys.widget import script

say = words.say

ADDRESS = "/team/brand"

#: What a survey may leave to the service is said here, yes or no.
FIELDS = (
    *(Field(each.name, "tick") if each.kind == "either" else each for each in survey_form.BRAND),
    Field("brand.formality", "choice", wording.FORMALITIES),
)


@registry.page(
    title=say("brand"),
    address=ADDRESS,
    scope="read",
    nav="ask",
    icon="flag",
    place=4,
    forms=True,
    form_scope="write",
)
def brand() -> Any:
    """The brand of the service; its form puts another in its place."""
    if request.method == "GET":
        return _page(_shown(), {})
    visible.demand_all(registry.caller(), say("brand.shared"))
    given = forms.fields()
    values, wrong = _loaded(given)
    if wrong:
        typed = {field.name: survey_form.typed(field, given) for field in FIELDS}
        shown = {name: text for name, text in typed.items() if text is not None}
        return _page(_shown() | shown, wrong, 422, say("survey.wrong"), given)
    try:
        catalogue.rebrand(values, clock.now(), given.get("version"))
    except Clash as clash:
        shown, theirs = survey_form.merged(FIELDS, _shown(), given)
        told = [clash.message, say("brand.typed")]
        if theirs:
            told.insert(1, say("survey.theirs", fields=", ".join(say(each.says) for each in theirs)))
        return _page(shown, {}, 409, " ".join(told))
    return layout.led(layout.at(ADDRESS, did="saved"))


@registry.page(
    title=say("survey.preview"),
    address=ADDRESS + "/preview/<any(page, widget, mail):part>",
    scope="read",
    forms=True,
    form_scope="write",
)
def preview(part: str) -> Any:
    """What a respondent sees of an invented survey, with the brand of the form that was sent. Nothing is kept."""
    said, language, metric = brands.stored(), request.args.get("lang", ""), "nps"
    if request.method == "POST":
        audited.unchanged()
        given = forms.fields()
        values, wrong = _loaded(given)
        if wrong:
            return previews.framed(
                layout.page("preview_wrong.html", say("survey.preview"), 422, errors=wrong)
            )
        said, language, metric = brands.tried(values), given.get("lang", ""), given.get("metric", metric)
    language = language if language in wording.LANGUAGES else wording.FALLBACK
    imagined = Survey(
        id="tried",
        name=say("brand.example"),
        product=said.get("name"),
        metric=metric if metric in METRICS else "nps",
        languages=[language],
        wait_after_answer_days=0,
        wait_after_decline_days=0,
        brand=brands.alone(said),
        widget={},
    )
    return previews.framed(previews.PARTS[part](imagined, language))


# ------------------------------------------------------------------------------------------------------


def _part(field: Field) -> str:
    """A field's name in the API."""
    return field.name.partition(".")[2]


def _shown() -> dict[str, str]:
    """What stands in the form of the brand that is kept."""
    said = brands.stored()
    found: dict[str, Any] = {
        field.name: survey_form.picture_of(said, _part(field))
        if field.kind == "picture"
        else said.get(_part(field))
        for field in FIELDS
    }
    return {field.name: survey_form.text_of(field, found[field.name]) for field in FIELDS}


def _loaded(given: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The whole brand that a form says, and what is wrong with it by the name of the field."""
    body: dict[str, Any] = {"logo": survey_form.logos(brands.stored())}
    wrong: dict[str, list[str]] = {}
    kept = _shown()
    for field in FIELDS:
        typed, name = survey_form.typed(field, given), _part(field)
        try:
            if field.kind != "picture":
                body[name] = survey_form.value_of(field, kept[field.name] if typed is None else typed)
            elif typed is not None:
                body["logo"][name.partition(".")[2]] = typed or None
        except ValueError:
            wrong[field.name] = [say("survey.no_number")]
    values, others = forms.load(ServiceBrand(), body)
    return values, {f"brand.{name}": lines for name, lines in others.items()} | wrong


def _page(
    shown: Mapping[str, str],
    wrong: Mapping[str, list[str]],
    status: int = 200,
    told: str | None = None,
    given: Mapping[str, str] | None = None,
) -> Any:
    """`given`: a form with something wrong in it, which is still about what it began with."""
    if status >= 400:
        audited.unchanged()
    kept, given = _shown(), given or {}
    answer = layout.page(
        "brand.html",
        say("brand"),
        status,
        fields=FIELDS,
        values=shown,
        kept=kept,
        errors=wrong,
        wrong=told,
        version=given.get("version") or brands.version(),
        before=given.get(forms.BEGUN) or forms.begun(kept),
        standard={"brand.color": script.COLOUR},
        hints=words.hints(),
        names={},
        metrics=METRICS,
        languages=wording.LANGUAGES,
        language=given.get("lang") or wording.FALLBACK,
        metric=given.get("metric") or "nps",
        notes=[
            say(f"brand.unmailed.{scheme}", type=logo["type"])
            for scheme, logo in brands.stored().get("logo", {}).items()
            if logo["type"] not in pictures.MAILED and layout.may("write")
        ],
        parts=tuple(previews.PARTS),
        did=request.args.get("did") == "saved",
        writes=layout.may("write") and registry.seen() is None,
    )
    # What is tried out stands in a frame of its own, where nothing of it can touch the page.
    answer.headers["Content-Security-Policy"] += "; frame-src 'self'"
    return answer
