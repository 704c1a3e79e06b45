"""People: whoever may be asked, one with all that happened, and companies."""

from typing import Any

from flask import Response as Reply
from flask import request

from feedback import feed, history_of_people
from feedback.dashboard import forms, layout, registry, words
from feedback.dashboard.admin_privacy import handed_out
from feedback.history_of_people import Event
from feedback.schemas.team import TeamPeopleQuery
from surveys import people, visible
from surveys.base import clock
from surveys.base.errors import Refused
from surveys.base.http import context, lists
from surveys.keeping import erasure
from surveys.models import Person
from surveys.views.people import found, seen

say = words.say

LIST = "/team/people"

#: Events of one page, and people of a company that are named.
MOST, MOST_PEOPLE = 200, 100


@registry.page(title=say("people"), address=LIST, scope="write", nav="people", icon="people", place=1)
def index() -> Any:
    """People, newest first, narrowed by address, id, name or company."""
    asked = layout.query(TeamPeopleQuery())
    if not all(request.args.values()):
        return layout.led(layout.here())
    query = found(asked)
    if asked.get("company"):
        query = query.where(Person.company == asked["company"])
    if asked.get("name"):
        query = query.where(Person.name == asked["name"])
    rows, following = lists.newest_first(
        query, Person.created_at, Person.id, asked.get("cursor"), asked["limit"]
    )
    return layout.page(
        "people.html",
        say("people"),
        people=seen(rows),
        query=request.args,
        following=layout.here(cursor=following) if following else None,
    )


@registry.page(title=say("person"), address=LIST + "/<person_id>", scope="write", forms=True)
@forms.password_asked
def one(person_id: str) -> Any:
    """One person: what is known and all that happened; forms end mail surveys to them, or erase them."""
    person = visible.own(Person, person_id, registry.caller())
    if request.method == "POST":
        visible.demand_all(registry.caller(), say("person.shared"))
        do = forms.fields().get("do")
        if do == "unsubscribe":
            people.unsubscribe(person, clock.now())
            return layout.led(layout.at(f"{LIST}/{person.id}", did="unsubscribe"))
        if do != "erase":
            raise Refused("Must be unsubscribe or erase.", "do")
        if not forms.fields().get("sure"):
            raise Refused(say("privacy.not_sure"), "sure")
        erasure.erase(erasure.rows_of(person), clock.now())
        return layout.led(layout.at(LIST, did="erased"))
    rows = erasure.rows_of(person)
    seen([person])
    surveys = registry.seen()
    sent, answered, unasked = history_of_people.asked(rows, surveys)
    return layout.page(
        "person.html",
        person.name or person.shown_email or say("about.nameless"),
        person=person,
        others=_shown([row for row in rows if row.id != person.id]),
        events=[(event, _told(event)) for event in history_of_people.timeline(rows, surveys, MOST)],
        names=_names(),
        sent=sent,
        answered=answered,
        unasked=unasked,
        whole=surveys is None,
        did=request.args.get("did") == "unsubscribe",
    )


@registry.page(title=say("person.export"), address=LIST + "/<person_id>/export.json", scope="write")
def export(person_id: str) -> Any:
    """All that is kept about a person, as a file. The password is asked for first."""
    person = visible.own(Person, person_id, registry.caller())
    visible.demand_all(registry.caller(), say("person.shared"))
    if (again := forms.asked_again()) is not None:
        return again
    return handed_out(erasure.rows_of(person))


@registry.page(title=say("company"), address="/team/companies/<path:name>", scope="write")
def company(name: str) -> Reply:
    """A company: its people, and what they said last."""
    surveys = registry.seen()
    everybody = visible.narrowed(Person.select(), registry.caller())
    rows, n, items = history_of_people.company(name, everybody, surveys, MOST_PEOPLE)
    if not rows:
        raise registry.not_found()
    return layout.page(
        "company.html",
        name,
        people=seen(rows),
        many=len(rows) >= MOST_PEOPLE,
        n=n,
        is_all=n < feed.MOST_COUNTED,
        items=items,
        names=_names(),
    )


# ------------------------------------------------------------------------------------------------------


def _shown(rows: list[Person]) -> list[Person]:
    """Those of some people that the reader may see."""
    theirs = visible.narrowed(Person.select(Person.id), registry.caller())
    ids = {row.id for row in theirs.where(Person.id.in_([row.id for row in rows]))}
    return [row for row in rows if row.id in ids]


def _names() -> dict[str, str]:
    return {row.id: row.name for row in visible.surveys(registry.caller())}


def _told(event: Event) -> str:
    """An event in words."""
    if event.kind == "decided":
        return say(f"decision.{event.what}").capitalize()
    if event.kind in ("sent", "reminded"):
        return say(f"event.{event.kind}", channel=event.what or "")
    if event.kind == "failed":
        return say(f"event.{event.what}")
    if event.kind == "letter":
        filed = event.what == "sent" and context.settings().smtp_url is None
        state = say("letter.state.filed" if filed else f"letter.state.{event.what}")
        return f"{say(f'event.letter.{event.of.kind}')} ({state})"
    if event.kind == "said":
        return say(f"letter.{event.what}")
    return say(f"event.{event.kind}")
