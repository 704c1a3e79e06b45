"""The page behind a mail's links: it shows the score that was chosen and counts it once a person acts."""

from datetime import datetime
from typing import Any

from flask import Response, g, redirect, request

from surveys import invitations, links, recording, responses, texts
from surveys.base import clock, errors
from surveys.base.http.bodies import Routes
from surveys.mail import opened_links
from surveys.models import Invitation, Survey
from surveys.models import Response as Stored
from surveys.views import forms, layout, pages, public

routes = Routes("landing", __name__, description="For respondents: no key needed.")
layout.errors_as_pages(routes)
layout.keep_private(routes)

_PARAMETERS = [
    {"in": "query", "name": name, "schema": {"type": "string"}, "description": text}
    for name, text in (
        ("score", "Preselects; counts nothing by itself."),
        ("lang", "The language; by default the mail's."),
        ("seen", "The link that no person sees; whatever opens it is a machine."),
    )
]


@routes.route("/i/<token>", methods=["GET"])
@routes.doc(parameters=_PARAMETERS, responses={"200": layout.HTML})
def show(token: str) -> Response:
    """The page behind an e-mail invitation. Opening it never counts: machines open every link of a mail."""
    now = clock.now()
    invitation, survey = _invited(token, now)
    if survey.status == "archived":
        g.told = "ui.not_found"
        raise errors.Missing
    score = pages.score_of(survey, request.args.get("score", ""))
    if score is not None:
        opened_links.note(invitation, score, now)
    if "seen" in request.args:
        opened_links.decoy(invitation)
    stored = _stored(invitation)
    if stored is not None and now > recording.editable_until(survey, stored):
        raise _over()
    given = stored.score if stored else None
    return pages.ask(
        survey,
        _new_form(invitation, token, now),
        given if score is None else score,
        stored.comment if stored else None,
        # What is stored needs no confirming; anything else does.
        confirming=score is not None and score != given,
        kept=stored.group if stored is not None and score in (None, given) else None,
        contact=stored.contact if stored else None,
    )


@routes.route("/i/<token>", methods=["POST"])
@routes.doc(parameters=_PARAMETERS, **pages.FORM)
def answer(token: str) -> Response:
    """The page's form: records the answer to the invitation, or amends it."""
    now = clock.now()
    (invitation, survey), given = pages.received(lambda: _invited(token, now))
    form = _form(given["form"], invitation, token, now)
    score, stored = pages.score_of(survey, given["score"]), _stored(invitation, form.id)
    # A browser sends a form to go on to its answer; what it sends for a script is no form.
    if public.by_script(given) or request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate":
        if score is not None:
            opened_links.note(invitation, score, now)
        return pages.ask(survey, form, score, given.get("comment"), 422, confirming=score is not None)
    if score is None and (given["score"] or stored is None or stored.score is None):
        return pages.ask(survey, form, None, given.get("comment"), 422)
    taken, _ = public.taken(survey, _answer(survey, form, token, given, score))
    # By whom the link was made for: an answer through a printed one may belong to somebody, or to a mere claim.
    me_url = links.me(invitation.person_id, now) if invitation.person_id else None
    return pages.thank(survey, form, taken, me_url=me_url)


@routes.route("/i/<token>/me", methods=["POST"])
@routes.doc(
    responses={
        "303": {"description": "To the respondent's own page, by a fresh link."},
        "404": {**layout.HTML, "description": "Nobody was invited by this."},
    }
)
def to_me(token: str) -> Any:
    """Lead whom we invited to their own page, also once the invitation is over. A person's act: machines only open."""
    public.admit_form()
    invitation = _invitation(token, clock.now())
    if invitation.person_id is None:
        raise errors.Missing
    return redirect(links.me(invitation.person_id, clock.now()), 303)


def _answer(
    survey: Survey, form: forms.Form, token: str, given: dict[str, Any], score: int | None
) -> recording.Answer:
    known = responses.find(form.id)
    return recording.Answer(
        id=form.id,
        # What a person sends last is what they mean, whatever the page's script sent before.
        revision=known.revision + 1 if known else 1,
        values=pages.values(survey, form, given, score),
        edit_key=form.edit_key,
        invitation=token,
        # Never too fast: the question was read in the mail.
        flags=["honeypot"] if given["homepage"] else [],
    )


def _invited(token: str, now: datetime) -> tuple[Invitation, Survey]:
    """Whom the token invites, and to what. Raises a 404 for none of ours, a 410 for one that is over."""
    invitation = _invitation(token, now)
    g.my_page = f"./{token}/me" if invitation.person_id else None
    g.asking = survey = public.survey(invitation.survey_id)
    wishes = [request.args.get("lang"), invitation.language, *layout.wishes()]
    g.language = texts.language_for(survey, [wish for wish in wishes if wish])
    if invitations.is_over(invitation, now):
        raise _over()
    return invitation, survey


def _invitation(token: str, now: datetime) -> Invitation:
    try:
        invitation = Invitation.get_or_none(Invitation.id == links.invitation_id(token, now))
    except links.BadToken:
        invitation = None
    if invitation is None:
        raise errors.Missing
    return invitation


def _over() -> errors.Gone:
    return errors.Gone("This invitation can no longer be answered.")


def _stored(invitation: Invitation, own: str | None = None) -> Stored | None:
    try:
        return recording.to_invitation(invitation, own)
    except recording.Answered as answered:
        g.told = "ui.answered"
        raise errors.Gone(answered.message) from None


def _form(sealed: str, invitation: Invitation, token: str, now: datetime) -> forms.Form:
    """The form that was shown. Without one (the page lay too long) a new one: the address is the authority."""
    try:
        form = forms.unseal(sealed, now)
    except forms.BadToken:
        return _new_form(invitation, token, now)
    return form if form.invitation == token else _new_form(invitation, token, now)


def _new_form(invitation: Invitation, token: str, now: datetime) -> forms.Form:
    return forms.Form(
        survey=invitation.survey_id,
        language=g.language,
        channel="email",
        touchpoint=None,
        person=None,
        made_at=clock.microseconds(now),
        invitation=token,
    )
