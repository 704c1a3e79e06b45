"""Unsubscribing from all mail surveys, and back: a page with a button, and one click in the mail program (RFC 8058)."""

from flask import Response, g

from surveys import links, people
from surveys.base import clock, errors
from surveys.base.http import bodies
from surveys.base.http.bodies import Routes
from surveys.domain import addresses
from surveys.models import Invitation, Person
from surveys.schemas.pages import UnsubscribeForm
from surveys.views import layout, public

routes = Routes("unsubscribing", __name__, description="For respondents: no key needed.")
layout.errors_as_pages(routes)
layout.keep_private(routes)


@routes.route("/u/<token>", methods=["GET"])
@routes.doc(parameters=layout.LANGUAGE, responses={"200": layout.HTML})
def show(token: str) -> Response:
    """The page that asks whether to unsubscribe. Opening it changes nothing: machines open links."""
    return _page(_invitation(token))


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
    invitation, now = _invitation(token), clock.now()
    if public.by_script(given):
        return show(token)
    if given["again"]:
        people.resubscribe(_holders(invitation))
        return _page(invitation, again=True)
    if invitation is not None and invitation.person is not None:
        people.unsubscribe(invitation.person, now)
    if invitation is not None and invitation.email:
        people.unsubscribe_address(invitation.email, now)
    return _page(invitation)


def _invitation(token: str) -> Invitation | None:
    """Whom we wrote to; None when we keep nothing of them any more. Raises a 404 for a token that is not ours."""
    try:
        invitation_id = links.unsubscribed_invitation_id(token, clock.now())
    except links.BadToken:
        raise errors.Missing from None
    return Invitation.get_or_none(Invitation.id == invitation_id)


def _holders(invitation: Invitation | None) -> list[Person]:
    """Whoever has the address that we wrote to; of a link without mail, whom it was for.

    Somebody who has moved to another address is not among them: an old mail may be in other hands by now.
    """
    if invitation is None:
        return []
    if invitation.email:
        return people.owners(invitation.email)
    return people.own_rows(invitation.person) if invitation.person else []


def _page(invitation: Invitation | None, again: bool = False) -> Response:
    g.language = layout.language_for(invitation.language if invitation else None)
    holders = _holders(invitation)
    written_to = holders or (people.own_rows(invitation.person) if invitation and invitation.person else [])
    # No way from here to anything else: the address stands in a header that mail providers read and forward.
    return layout.page(
        "unsubscribe.html",
        g.language,
        # Nobody is written to whom we forgot.
        done=not written_to or people.is_unsubscribed(written_to),
        again=again and bool(holders),
        way_back=("again", "1") if holders else None,
        addresses=[addresses.readable(invitation.email)] if invitation and invitation.email else [],
    )
