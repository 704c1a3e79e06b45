"""Unsubscribing from all mail surveys: a page with a button, and one click in the mail program (RFC 8058)."""

from flask import Response, g

from surveys import links, people
from surveys.base import clock, web
from surveys.base.web import Routes
from surveys.models import Invitation
from surveys.schemas.pages import UnsubscribeForm
from surveys.views import layout, public

routes = Routes("unsubscribing", __name__, description="For respondents: no key needed.")
layout.errors_as_pages(routes)
layout.keep_private(routes)


@routes.route("/u/<token>", methods=["GET"])
@routes.doc(responses={"200": layout.HTML})
def show(token: str) -> Response:
    """The page that asks whether to unsubscribe. Opening it changes nothing: machines open links."""
    invitation = _invitation(token)
    return _page(invitation, done=invitation is None or _is_unsubscribed(invitation))


@routes.route("/u/<token>", methods=["POST"])
@routes.doc(
    requestBody={
        "required": True,
        "content": {kind: {"schema": UnsubscribeForm} for kind in UnsubscribeForm.types},
    },
    responses={"200": layout.HTML},
)
def unsubscribe(token: str) -> Response:
    """Send no more mail surveys to this address, whichever survey. No cookie, no redirect, no limit (RFC 8058, 3.1)."""
    given = UnsubscribeForm().load(web.form_fields(UnsubscribeForm.body_limit))
    invitation, now = _invitation(token), clock.now()
    if public.by_script(given):
        return show(token)
    if invitation is not None and invitation.person is not None:
        people.unsubscribe(invitation.person, now)
    if invitation is not None and invitation.email:
        people.unsubscribe_address(invitation.email, now)
    return _page(invitation, done=True)


def _invitation(token: str) -> Invitation | None:
    """Whom we wrote to; None when we keep nothing of them any more. Raises a 404 for a token that is not ours."""
    try:
        invitation_id = links.unsubscribed_invitation_id(token, clock.now())
    except links.BadToken:
        raise web.not_found() from None
    return Invitation.get_or_none(Invitation.id == invitation_id)


def _is_unsubscribed(invitation: Invitation) -> bool:
    return invitation.person is not None and invitation.person.unsubscribed_at is not None


def _page(invitation: Invitation | None, done: bool) -> Response:
    g.language = layout.language_for(invitation.language if invitation else None)
    # No way from here to anything else: the address stands in a header that mail providers read and forward.
    return layout.page("unsubscribe.html", g.language, done=done)
