"""Unsubscribing from all mail surveys, and back: a page with a button, and one click in the mail program (RFC 8058)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from flask import Response, g, request

from surveys import links, people, responses
from surveys.base import clock, db, errors
from surveys.base.http import bodies
from surveys.base.http.bodies import Routes
from surveys.domain import addresses
from surveys.models import Invitation, Person, Survey
from surveys.schemas.pages import UnsubscribeForm
from surveys.views import layout, public

routes = Routes("unsubscribing", __name__, description="For respondents: no key needed.")
layout.errors_as_pages(routes)
layout.keep_private(routes)


@routes.route("/u/<token>", methods=["GET"])
@routes.doc(parameters=layout.LANGUAGE, responses={"200": layout.HTML})
def show(token: str) -> Response:
    """The page that asks whether to unsubscribe. Opening it changes nothing: machines open links."""
    return _page(_mail(token))


@routes.route("/u/<token>", methods=["POST"])
@routes.doc(
    parameters=layout.LANGUAGE,
    requestBody={
        "required": True,
        "content": {kind: {"schema": UnsubscribeForm} for kind in UnsubscribeForm.types},
    },
    responses={"200": layout.HTML},
)
def unsubscribe(token: str) -> Response:
    """Send no more mail surveys to this address, whichever survey; with `again=1`, do so again. No cookie, no redirect,
    no limit (RFC 8058, 3.1).
    """
    given = UnsubscribeForm().load(bodies.form_fields(UnsubscribeForm.body_limit))
    mail, now = _mail(token), clock.now()
    if public.by_script(given):
        return show(token)
    if given["again"]:
        people.resubscribe(mail.holders())
        return _page(mail, again=True)
    mail.refuse(now)
    return _page(mail)


class _Mail(Protocol):
    """The mail by which somebody unsubscribes."""

    @property
    def language(self) -> str | None: ...

    @property
    def address(self) -> str | None: ...

    @property
    def survey(self) -> Survey | None:
        """Whose brand the page shows; None for the service's."""

    def holders(self) -> list[Person]:
        """Whoever has the address that we wrote to.

        Somebody who has moved to another address is not among them: an old mail may be in other hands by now.
        """

    def written_to(self) -> list[Person]:
        """The holders; without any, whom we wrote to."""

    def refuse(self, now: datetime) -> None:
        """Send them no more of it: no mail surveys, and after a letter no letters either."""


@dataclass(frozen=True)
class _OfInvitation:
    """By an invitation; None when we keep nothing of it any more."""

    invitation: Invitation | None

    @property
    def language(self) -> str | None:
        return self.invitation.language if self.invitation else None

    @property
    def address(self) -> str | None:
        return self.invitation.email if self.invitation else None

    @property
    def survey(self) -> Survey | None:
        return self.invitation.survey if self.invitation else None

    def holders(self) -> list[Person]:
        # Of a link without mail, whom it was for.
        if self.invitation is None:
            return []
        if self.invitation.email:
            return people.owners(self.invitation.email)
        return people.own_rows(self.invitation.person) if self.invitation.person else []

    def written_to(self) -> list[Person]:
        found = self.holders()
        if found or self.invitation is None or self.invitation.person is None:
            return found
        return people.own_rows(self.invitation.person)

    def refuse(self, now: datetime) -> None:
        if self.invitation is not None and self.invitation.person is not None:
            people.unsubscribe(self.invitation.person, now)
        if self.invitation is not None and self.invitation.email:
            people.unsubscribe_address(self.invitation.email, now)


@dataclass(frozen=True)
class _OfLetter:
    """By what a person of the team wrote; `person` is None once we forgot whom."""

    person: Person | None
    mark: str
    survey: Survey | None = None

    @property
    def language(self) -> str | None:
        return self.person.language if self.person else None

    @property
    def address(self) -> str | None:
        if self.person is None:
            return None
        rows = people.own_rows(self.person)
        known = [each for row in rows if row.verified for each in people.addresses_of(row)]
        return next((each for each in known if links.is_holder(each, self.mark)), None)

    def holders(self) -> list[Person]:
        return people.owners(self.address) if self.address else []

    def written_to(self) -> list[Person]:
        return self.holders() or (people.own_rows(self.person) if self.person else [])

    def refuse(self, now: datetime) -> None:
        person = self.person
        if person is None:
            return

        def verb() -> None:
            people.unsubscribe(person, now)
            # Who asked to be answered is written to in spite of that, and this is what they want no more of.
            responses.withdraw_contact(people.own_rows(person), now)

        db.write(verb)


def _mail(token: str) -> _Mail:
    """The mail that the token was in. Raises a 404 for a token that is not ours."""
    try:
        found = links.unsubscribed_invitation_id(token, clock.now())
    except links.BadToken:
        raise errors.Missing from None
    reader = links.letter_reader(found)
    if reader is not None:
        return _OfLetter(Person.get_or_none(Person.id == reader[0]), reader[1])
    return _OfInvitation(Invitation.get_or_none(Invitation.id == found))


def _page(mail: _Mail, again: bool = False) -> Response:
    g.language = layout.language_for(mail.language)
    holders, written_to = mail.holders(), mail.written_to()
    return layout.page(
        "unsubscribe.html",
        g.language,
        survey=mail.survey,
        # Nobody is written to whom we forgot.
        done=not written_to or people.is_unsubscribed(written_to),
        again=again and bool(holders),
        way_back=("again", "1") if holders else None,
        addresses=[addresses.readable(mail.address)] if mail.address else [],
        mine=_my_token(holders),
    )


def _my_token(holders: list[Person]) -> str | None:
    """The token of their own page that the link in a mail's text has with it; None where there is none.

    Of itself this page leads nowhere else: its address stands in a header that mail providers read and forward.
    """
    token = request.args.get("me", "")
    try:
        known = links.my_person_id(token, clock.now()) if token else None
    except links.BadToken:
        return None
    return token if known in {row.id for row in holders} else None
