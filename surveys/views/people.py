"""People over the API: who may be asked, what is known of them, and forgetting them."""

from collections.abc import Mapping
from typing import Any

from flask import g

from surveys import ask_history, people, visible
from surveys.base import clock
from surveys.base.http import audited, lists
from surveys.base.http.bodies import Routes
from surveys.base.http.callers import needs
from surveys.base.http.replays import idempotent
from surveys.domain import addresses
from surveys.keeping import erasure
from surveys.models import Person
from surveys.schemas.people import PersonBody, PersonExport, PersonList, PersonOut, PersonPatch, PersonQuery

routes = Routes("people", __name__, url_prefix="/api/people", description="Who may be asked.")


@routes.route("", methods=["GET"])
@needs("write")
@routes.arguments(PersonQuery, location="query")
@routes.response(200, PersonList)
def index(query: dict[str, Any]) -> Any:
    """People, newest first."""
    rows, following = lists.newest_first(
        found(query), Person.created_at, Person.id, query.get("cursor"), query["limit"]
    )
    return {"items": seen(rows), "next": following}


def found(query: Mapping[str, Any]) -> Any:
    """A query of the people that the caller sees and `query` asks for, by `email` or `id`."""
    known = visible.narrowed(Person.select(), g.caller)
    if query.get("email"):
        address = addresses.normal(query["email"])
        known = known.where(
            (Person.email == address) | (Person.claimed_email == address) | (Person.known_email == address)
        )
    if query.get("id"):
        known = known.where((Person.id == query["id"]) | (Person.external_id == query["id"]))
    return known


@routes.route("", methods=["POST"])
@needs("write")
@idempotent
@routes.arguments(PersonBody)
@routes.response(201, PersonOut)
@routes.alt_response(200, schema=PersonOut, description="Was known; is up to date now.")
def create(body: dict[str, Any]) -> Any:
    """Make a person, or bring what is known of them up to date. A person is found by `id`, without one by `email`."""
    _all_surveys()
    who = people.Identity(
        body.get("id"), addresses.normal(body.get("email")), body.get("name"), verified=True, vouched=True
    )
    described = {name: body[name] for name in people.DESCRIBED if name in body}
    person, created = people.put(who, described, clock.now())
    return person, 201 if created else 200


@routes.route("/<person_id>", methods=["GET"])
@needs("write")
@routes.response(200, PersonOut)
def show(person_id: str) -> Any:
    """One person."""
    return seen([visible.own(Person, person_id, g.caller)])[0]


@routes.route("/<person_id>", methods=["PATCH"])
@needs("write")
@routes.arguments(PersonPatch)
@routes.response(200, PersonOut)
def change(body: dict[str, Any], person_id: str) -> Any:
    """Change what is known of a person. An address or id that somebody else has is a 409."""
    person = visible.own(Person, person_id, g.caller)
    _all_surveys()
    if "bounced_at" in body:
        del body["bounced_at"]
        person = people.lift(person, clock.now())
    return people.change(person, body) if body else person


@routes.route("/<person_id>", methods=["DELETE"])
@needs("write")
@routes.response(204)
def delete(person_id: str) -> Any:
    """Erase a person and everything about them: answers, invitations, what waits in queues."""
    person = visible.own(Person, person_id, g.caller)
    _all_surveys()
    erasure.erase(erasure.rows_of(person), clock.now())


@routes.route("/<person_id>/export", methods=["GET"])
@needs("write")
@routes.response(200, PersonExport)
def export(person_id: str) -> Any:
    """All that is kept about a person, by table."""
    person = visible.own(Person, person_id, g.caller)
    _all_surveys()
    audited.handed_out(person.id)
    return erasure.export(erasure.rows_of(person), clock.now())


@routes.route("/<person_id>/unsubscribe", methods=["POST"])
@needs("write")
@routes.response(200, PersonOut)
def unsubscribe(person_id: str) -> Any:
    """Send this person no more mail surveys."""
    person = visible.own(Person, person_id, g.caller)
    _all_surveys()
    return people.unsubscribe(person, clock.now())


def seen(rows: list[Person]) -> list[Person]:
    """What the caller sees of them: when they were asked and heard, by those surveys alone that the caller sees."""
    mine = visible.only(g.caller)
    if mine is not None:
        known = ask_history.heard_by(mine, [row.id for row in rows])
        for row in rows:
            row.last_asked_at, row.last_answered_at = known[row.id]
    return rows


def _all_surveys() -> None:
    visible.demand_all(g.caller, "You see only some surveys; what is known of people belongs to all.")
