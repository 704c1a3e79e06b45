"""A respondent's own page: their answers, to be seen, changed and deleted; and how often they may be asked."""

from datetime import datetime
from typing import Any

from flask import Response, g, request

from surveys import brands, links, people, recording, responses, wording
from surveys import texts as the_texts
from surveys.base import clock, errors
from surveys.base.http import bodies, context
from surveys.base.http.bodies import Routes
from surveys.domain import addresses, follow_ups, schedule
from surveys.domain.metrics import METRICS
from surveys.keeping import erasure
from surveys.models import Person, Survey
from surveys.models import Response as Stored
from surveys.schemas.pages import MyForm
from surveys.views import layout, pages, public

routes = Routes("me", __name__, description="For respondents: no key needed.")
layout.errors_as_pages(routes)
layout.keep_private(routes)

#: What may be chosen: whether never, and at most every so many days.
FREQUENCIES = {"normal": (False, 0), "quarter": (False, 90), "never": (True, 0)}


@routes.route("/me/<token>", methods=["GET"])
@routes.doc(parameters=layout.LANGUAGE, responses={"200": layout.HTML})
def show(token: str) -> Response:
    """A respondent's own answers. A link here is good for 90 days; the page behind a mail's links leads here anew."""
    return _page(_rows(token))


@routes.route("/me/<token>", methods=["POST"])
@routes.doc(
    parameters=layout.LANGUAGE,
    requestBody={"required": True, "content": {kind: {"schema": MyForm} for kind in MyForm.types}},
    responses={"200": layout.HTML},
)
def change(token: str) -> Response:
    """Change an answer within its window, delete it, say whether we may write about it and how often we may ask, or be
    sent mail again: the field `do` says which.
    """
    public.admit_form()
    given = MyForm().load(bodies.form_fields(MyForm.body_limit))
    if public.by_script(given):
        return show(token)
    rows, now = _rows(token), clock.now()
    if given["do"] == "frequency":
        people.prefer(rows, *FREQUENCIES[given["frequency"]])
        return _page(_rows(token), "me.frequency_saved")
    if given["do"] == "again":
        people.resubscribe(rows)
        return _page(_rows(token), "unsubscribe.subscribed")
    stored = _own(rows, given["response"])
    if given["do"] == "delete":
        responses.delete(stored, now)
        return _page(rows, "me.deleted")
    if given["do"] == "solved":
        if given["answer"] not in ("fixed", "not_yet"):
            raise errors.Refused("Must be fixed or not_yet.", "answer")
        if not public.is_of_page(given, token):
            return _page(rows, "ui.error")
        responses.say_of_outcome(stored.key, given["answer"], given.get("comment") or None, now)
        return _page(rows, f"letter.thanks_{given['answer']}")
    if given["do"] == "contact":
        responses.allow(stored, follow_ups.allowed(given["contact_reply"], given["contact_news"]), now)
        return _page(rows, "me.frequency_saved")
    _edit(stored, given, now)
    return _page(rows, "ui.saved")


def _edit(stored: Stored, given: dict[str, Any], now: datetime) -> None:
    survey = stored.survey
    values: dict[str, Any] = {"comment": given["comment"] or None} if "comment" in given else {}
    if given["score"]:
        values["score"] = pages.score_of(survey, given["score"])
        if values["score"] is None:
            raise errors.Refused("Is none of the survey's scale.", "score")
    # Also where nothing changes: after the window a form that still lies open must say so.
    if now > recording.editable_until(survey, stored):
        raise errors.Clash("The answer can no longer be changed; its edit window is over.")
    public.taken(
        survey, recording.Answer(id=stored.id, revision=stored.revision + 1, values=values, own=True)
    )


def _rows(token: str) -> list[Person]:
    """Everything we know the bearer as. Raises a 404 for a token that is not ours, or of somebody we forgot; else a
    410 for one that has run out.
    """
    try:
        person = Person.get_or_none(Person.id == links.my_person_id(token, clock.now()))
    except links.Expired:
        raise errors.Gone("This link has run out.") from None
    except links.BadToken:
        person = None
    # A mere claim has no page: whoever makes the same one would see what others said under it.
    if person is None or not person.verified:
        raise errors.Missing
    g.language = layout.language_for(person.language)
    return erasure.rows_of(person)


def _own(rows: list[Person], response_id: str) -> Stored:
    mine = (Stored.id == response_id) & Stored.person.in_([row.id for row in rows])
    stored = Stored.get_or_none(mine)
    if stored is None:
        raise errors.Missing
    return stored


def _page(rows: list[Person], told: str | None = None) -> Response:
    now = clock.now()
    mine = Stored.select().where(Stored.person.in_([row.id for row in rows])).order_by(Stored.key.desc())
    answers = list(mine)
    came = responses.came_of([stored.key for stored in answers], g.language)
    chosen = (any(row.never_ask for row in rows), max(row.days_between_asks for row in rows))
    unsubscribed = people.is_unsubscribed(rows)
    # A mere claim of an address does not show it to anybody.
    known = {address for row in rows if row.verified for address in people.addresses_of(row)}
    return layout.page(
        "me.html",
        g.language,
        entries=[{**_entry(stored, now), "came": came.get(stored.key, ())} for stored in answers],
        done=unsubscribed,
        addresses=sorted(map(addresses.readable, known)),
        way_back=("do", "again"),
        # Who gets no mail may still want to be asked nowhere else; how often otherwise is no question then.
        frequencies=["never"] if unsubscribed else list(FREQUENCIES),
        frequency=next((name for name, each in FREQUENCIES.items() if each == chosen), None),
        told=told,
        form_token=public.form_token((request.view_args or {})["token"]),
    )


def _entry(stored: Stored, now: datetime) -> dict[str, Any]:
    survey, zone = stored.survey, context.settings().time_zone
    day = schedule.day_of(stored.created_at, zone)
    until, metric = recording.editable_until(survey, stored), METRICS[survey.metric]
    texts = the_texts.of(survey, the_texts.language_for(survey, [g.language]))
    return {
        "id": stored.id,
        "score": stored.score,
        "comment": stored.comment,
        "texts": texts,
        "metric": metric,
        "at": None if stored.score is None else stored.score - metric.minimum,
        "about": _about(survey),
        "day": day.isoformat(),
        "date": wording.date(g.language, day),
        "contact": stored.contact,
        # What was allowed once can be taken back, whatever the survey asks today.
        "asks_contact": survey.ask_contact or stored.contact is not None,
        "editable": now <= until and survey.status != "archived",
        "editable_until": wording.date(g.language, schedule.day_of(until, zone)),
    }


def _about(survey: Survey) -> list[str]:
    """Who asked, and about what."""
    company, product = brands.of(survey).name, survey.product or survey.name
    if company and product.casefold() in company.casefold():
        return [company]
    return [company, product] if company else [product]
