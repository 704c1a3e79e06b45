"""People over the API: who may be asked, what is known of them, and forgetting them."""

from typing import Any

from flask import g

from surveys import ask_history, people
from surveys.base import clock
from surveys.base.accounts.keys import ApiKey
from surveys.base.http import lists, problems
from surveys.base.http.bodies import Routes
from surveys.base.http.callers import needs
from surveys.base.http.problems import Problem
from surveys.base.http.replays import idempotent
from surveys.domain import addresses
from surveys.keeping import erasure
from surveys.models import Invitation, Person, Response
from surveys.schemas.people import PersonBody, PersonExport, PersonList, PersonOut, PersonPatch, PersonQuery

routes = Routes("people", __name__, url_prefix="/api/people", description="Who may be asked.")


@routes.route("", methods=["GET"])
@needs("write")
@routes.arguments(PersonQuery, location="query")
@routes.response(200, PersonList)
def index(query: dict[str, Any]) -> Any:
    """People, newest first."""
    found = _visible()
    if query.get("email"):
        address = addresses.normal(query["email"])
        found = found.where(
            (Person.email == address) | (Person.claimed_email == address) | (Person.known_email == address)
        )
    if query.get("id"):
        found = found.where((Person.id == query["id"]) | (Person.external_id == query["id"]))
    rows, following = lists.newest_first(
        found, Person.created_at, Person.id, query.get("cursor"), query["limit"]
    )
    return {"items": _seen(rows), "next": following}


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
    return _seen([own(person_id)])[0]


@routes.route("/<person_id>", methods=["PATCH"])
@needs("write")
@routes.arguments(PersonPatch)
@routes.response(200, PersonOut)
def change(body: dict[str, Any], person_id: str) -> Any:
    """Change what is known of a person. An address or id that somebody else has is a 409."""
    person = own(person_id)
    _all_surveys()
    try:
        if "bounced_at" in body:
            del body["bounced_at"]
            person = people.lift(person, clock.now())
        return people.change(person, body) if body else person
    except people.Clash as clash:
        raise Problem(409, str(clash)) from None
    except LookupError:
        raise problems.not_found() from None


@routes.route("/<person_id>", methods=["DELETE"])
@needs("write")
@routes.response(204)
def delete(person_id: str) -> Any:
    """Erase a person and everything about them: answers, invitations, what waits in queues."""
    person = own(person_id)
    _all_surveys()
    erasure.erase(erasure.rows_of(person), clock.now())


@routes.route("/<person_id>/export", methods=["GET"])
@needs("write")
@routes.response(200, PersonExport)
def export(person_id: str) -> Any:
    """All that is kept about a person, by table."""
    person = own(person_id)
    _all_surveys()
    return erasure.export(erasure.rows_of(person), clock.now())


@routes.route("/<person_id>/unsubscribe", methods=["POST"])
@needs("write")
@routes.response(200, PersonOut)
def unsubscribe(person_id: str) -> Any:
    """Send this person no more mail surveys."""
    person = own(person_id)
    _all_surveys()
    return people.unsubscribe(person, clock.now())


def own(person_id: str) -> Person:
    """The person if this key sees them; else the same 404 as for one that is not there."""
    person = _visible().where(Person.id == person_id).first()
    if person is None:
        raise problems.not_found()
    return person


def _visible() -> Any:
    """Whom a key sees: all, or those whom its surveys asked or heard."""
    key: ApiKey = g.key
    if key.surveys is None:
        return Person.select()
    heard = Response.select(Response.person).where(
        Response.survey.in_(key.surveys), Response.person.is_null(False)
    )
    asked = Invitation.select(Invitation.person).where(
        Invitation.survey.in_(key.surveys), Invitation.person.is_null(False)
    )
    return Person.select().where(Person.id.in_(heard) | Person.id.in_(asked))


def _seen(rows: list[Person]) -> list[Person]:
    """What a key sees of them: one limited to some surveys does not learn when the others asked or heard them."""
    key: ApiKey = g.key
    if key.surveys is not None:
        known = ask_history.heard_by(key.surveys, [row.id for row in rows])
        for row in rows:
            row.last_asked_at, row.last_answered_at = known[row.id]
    return rows


def _all_surveys() -> None:
    if g.key.surveys is not None:
        raise Problem(403, "This key is limited to its surveys; what is known of people belongs to all.")
