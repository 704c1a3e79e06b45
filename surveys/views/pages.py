"""The hosted survey page: complete as a plain form, quicker with its script."""

import contextlib
import re
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Response, g, request

from surveys import recording, responses
from surveys import texts as the_texts
from surveys.base import clock, db
from surveys.base.errors import Missing
from surveys.base.http import bodies
from surveys.base.http.bodies import Routes
from surveys.domain import follow_ups
from surveys.domain.metrics import METRICS
from surveys.models import Response as Stored
from surveys.models import Survey
from surveys.schemas.kinds import SHORT
from surveys.schemas.pages import PageForm
from surveys.views import forms, layout, public

T = TypeVar("T")

routes = Routes("pages", __name__, description="For respondents: no key needed.")
layout.errors_as_pages(routes)

#: How long a kiosk shows the thanks before it returns to the start.
KIOSK_SECONDS = 15

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_QUERY = {
    "score": "Preselects; counts nothing by itself.",
    "lang": "The language; by default the browser's.",
    "person": "Who answers: your id of the person, or an e-mail address.",
    "signature": "Proves `person`, as in `POST /r`.",
    "touchpoint": "The moment asked about.",
    "embed": "`1` lets the survey's allowed origins frame the page.",
    "kiosk": "`1` returns to the start for the next person.",
}
_PARAMETERS = [
    {"in": "query", "name": name, "schema": {"type": "string"}, "description": text}
    for name, text in _QUERY.items()
]

#: What the document says of the form that a page of a survey sends.
FORM: dict[str, Any] = {
    "requestBody": {"required": True, "content": {kind: {"schema": PageForm} for kind in PageForm.types}},
    "responses": {
        "200": {**layout.HTML, "description": "The thanks."},
        "422": {**layout.HTML, "description": "Asks again."},
    },
}


@routes.route("/s/<survey_id>", methods=["GET"])
@routes.doc(parameters=_PARAMETERS, responses={"200": layout.HTML})
def show(survey_id: str) -> Response:
    """The hosted survey page. Showing it counts nothing: `score` only preselects."""
    survey = _found(survey_id)
    if survey.status == "archived":
        # The same page as where there is none, so in nobody's looks.
        g.told = "ui.not_found"
        raise Missing
    _settle(survey)
    if survey.status != "active":
        return _page("closed.html", survey)
    return ask(survey, _new_form(survey), score_of(survey, request.args.get("score", "")))


@routes.route("/s/<survey_id>", methods=["POST"])
@routes.doc(parameters=_PARAMETERS, **FORM)
def answer(survey_id: str) -> Response:
    """The page's form: records the answer, or amends it when the form is sent again."""
    survey, given = received(lambda: _settle(_found(survey_id)))
    score, now = score_of(survey, given["score"]), clock.now()
    try:
        form = forms.unseal(given["form"], now)
    except forms.BadToken:
        form = None
    if form is None or form.survey != survey.id:
        # A page from elsewhere, or one that lay too long: a fresh form with what was typed.
        return ask(survey, _new_form(survey), score, given.get("comment"), 422)
    g.language = form.language
    stored = responses.find(form.id)
    if score is None and (given["score"] or stored is None or stored.score is None):
        return ask(survey, form, None, given.get("comment"), 422)
    taken, _ = public.taken(survey, _answer(survey, form, given, score, stored, now))
    return thank(survey, form, taken)


def _answer(
    survey: Survey,
    form: forms.Form,
    given: dict[str, Any],
    score: int | None,
    stored: Stored | None,
    now: Any,
) -> recording.Answer:
    return recording.Answer(
        id=form.id,
        # What a person sends last is what they mean, whatever the page's script sent before.
        revision=stored.revision + 1 if stored else 1,
        values=values(survey, form, given, score),
        edit_key=form.edit_key,
        person=form.person,
        flags=form.flags(given["homepage"], now),
    )


# ----------------------------------------------------------------------------------------------- pages


def received(look_up: Callable[[], T]) -> tuple[T, dict[str, Any]]:
    """What `look_up` finds of whom a form is for, and what the form holds; errors wear the looks of what was found.

    What was typed is kept (`g.typed`), and the form counted against PUBLIC_LIMIT, before the database is asked: it may
    be away, and a form may be for nobody.
    """
    try:
        public.admit_form()
        g.typed = bodies.form_fields(PageForm.body_limit)
        public.limit()
    except db.FAILURES:
        raise
    except Exception:
        # For its looks and language alone: told is what is wrong with the form, not with the survey.
        with contextlib.suppress(Exception):
            look_up()
        g.pop("told", None)
        raise
    found = look_up()
    given: dict[str, Any] = PageForm().load(g.typed)
    return found, given


def ask(
    survey: Survey,
    form: forms.Form,
    score: int | None,
    comment: str | None = None,
    status: int = 200,
    confirming: bool = False,
    kept: str | None = None,
    contact: str | None = None,
) -> Response:
    """The page that asks, with `score` chosen; other statuses than 200 say what is missing.

    `confirming`: the score comes from a mail's link and counts only once a person acts. `kept`: the group of the score
    that is stored already. `contact`: what was allowed.
    """
    return _page(
        "survey.html",
        survey,
        status,
        token=forms.seal(form, clock.now()),
        form=form,
        chosen=score,
        comment=comment or "",
        refused=status != 200,
        confirming=confirming,
        kept=kept,
        contact=contact,
        # Who stands at a kiosk is nobody that mail could reach.
        asks_contact=survey.ask_contact and form.channel != "kiosk",
    )


def thank(survey: Survey, form: forms.Form, stored: Stored, me_url: str | None = None) -> Response:
    """The thanks, with a place for the comment. `me_url`: the respondent's own page."""
    answer = _page(
        "thanks.html",
        survey,
        token=forms.seal(form, clock.now()),
        form=form,
        chosen=stored.score,
        group=stored.group,
        comment=stored.comment or "",
        picked=bool((stored.answers or {}).get("follow_up")),
        offered=the_texts.of(survey, g.language).choices.get(stored.group or ""),
        me_url=me_url,
        contact=stored.contact,
        asks_contact=survey.ask_contact and form.channel != "kiosk",
    )
    if form.channel == "kiosk":
        answer.headers["Refresh"] = f"{KIOSK_SECONDS}; url={_start()}"
    return answer


def values(survey: Survey, form: forms.Form, given: dict[str, Any], score: int | None) -> dict[str, Any]:
    """What a form that was sent says, as an answer's values."""
    said: dict[str, Any] = {"language": form.language, "channel": form.channel}
    if form.touchpoint:
        said["touchpoint"] = form.touchpoint
    if score is not None:
        said["score"] = score
    if "comment" in given:
        said["comment"] = given["comment"] or None
    offered = the_texts.of(survey, form.language).choices.values()
    known = {kept for pairs in offered for kept, _ in pairs}
    picked = [choice for choice in given["choices"] if choice in known]
    if picked:
        said["answers"] = {"follow_up": picked if survey.follow_up_type == "many_choices" else picked[0]}
    if seconds := form.seconds(clock.now()):
        said["seconds"] = seconds
    if survey.ask_contact and given["contact_asked"]:
        said["contact"] = follow_ups.allowed(given["contact_reply"], given["contact_news"])
    return said


def score_of(survey: Survey, text: str) -> int | None:
    """A score as written in an address or a form; None when it is none of the survey's scale."""
    score = int(text) if re.fullmatch(r"-?[0-9]{1,3}", text) else None
    return score if METRICS[survey.metric].accepts(score) else None


def _found(survey_id: str) -> Survey:
    try:
        return public.survey(survey_id)
    except Missing:
        g.told = "ui.not_found"
        raise


def _settle(survey: Survey) -> Survey:
    """Note the survey, the language and who may frame the page, for this page and for its errors."""
    g.asking = survey
    g.language = the_texts.language_for(survey, layout.wishes())
    if request.args.get("embed") == "1" and survey.allowed_origins:
        g.frame_ancestors = " ".join(survey.allowed_origins)
    return survey


def _page(template: str, survey: Survey, status: int = 200, **values: Any) -> Response:
    metric = METRICS[survey.metric]
    texts = the_texts.of(survey, g.language)
    return layout.page(
        template,
        g.language,
        status,
        survey,
        frame_ancestors=g.get("frame_ancestors", "'none'"),
        texts=texts,
        metric=metric,
        groups=[asdict(group) for group in metric.groups],
        product=survey.product,
        many=survey.follow_up_type == "many_choices",
        embedded=request.args.get("embed") == "1",
        start=_start(),
        # A browser forgets a page once a form is sent to its very address (RFC 9111, 4.4); going back must
        # find it again, for a fresh one would be a second answer.
        action=_start(sent="1"),
        kiosk_seconds=KIOSK_SECONDS,
        **values,
    )


def _new_form(survey: Survey) -> forms.Form:
    args = request.args
    return forms.Form(
        survey=survey.id,
        language=g.language,
        channel="kiosk" if args.get("kiosk") == "1" else "link",
        touchpoint=_short(args.get("touchpoint", "")),
        person=_person(args.get("person", ""), args.get("signature", "")),
        made_at=clock.microseconds(clock.now()),
    )


def _person(given: str, signature: str) -> dict[str, str] | None:
    """Who the link says its bearer is: an id, or an address when it looks like one."""
    person = _short(given)
    if not person:
        return None
    return {"email" if "@" in person else "id": person} | (
        {"signature": signature[:128]} if signature else {}
    )


def _start(**more: str) -> str:
    """This page anew, for the next person: what the address says of this one is left out.

    A query alone, for the page itself cannot know the path under which a proxy serves it.
    """
    kept = {
        name: request.args[name] for name in ("lang", "touchpoint", "embed", "kiosk") if name in request.args
    }
    kept |= more
    return "?" + urlencode(kept)


def _short(text: str) -> str | None:
    """What an address says, without control characters and cut to what is kept; links are not refused."""
    return _CONTROL.sub("", text)[:SHORT].strip() or None
