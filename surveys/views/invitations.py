"""Invitations over the API: see them, take back what is not sent."""

from typing import Any

from flask import g

from surveys import invitations, visible
from surveys.base import clock, errors
from surveys.base.http import lists
from surveys.base.http.bodies import Routes
from surveys.base.http.callers import needs
from surveys.models import Invitation
from surveys.schemas.invitations import InvitationList, InvitationOut, InvitationQuery

routes = Routes(
    "invitations", __name__, url_prefix="/api/invitations", description="Who was asked, and when."
)


@routes.route("", methods=["GET"])
@needs("write")
@routes.arguments(InvitationQuery, location="query")
@routes.response(200, InvitationList)
def index(query: dict[str, Any]) -> Any:
    """Invitations, newest first."""
    found = visible.narrowed(Invitation.select(), g.caller)
    wanted = {"survey": Invitation.survey, "person": Invitation.person, "status": Invitation.status}
    for name, column in wanted.items():
        if name in query:
            found = found.where(column == query[name])
    rows, following = lists.newest_first(
        found, Invitation.created_at, Invitation.id, query.get("cursor"), query["limit"]
    )
    return {"items": rows, "next": following}


@routes.route("/<invitation_id>", methods=["GET"])
@needs("write")
@routes.response(200, InvitationOut)
def show(invitation_id: str) -> Any:
    """One invitation."""
    return visible.own(Invitation, invitation_id, g.caller)


@routes.route("/<invitation_id>", methods=["DELETE"])
@needs("write")
@routes.response(204)
def delete(invitation_id: str) -> Any:
    """Cancel an invitation that is not sent; the person does not count as asked by it any more. Else a 409."""
    if not invitations.cancel(
        visible.own(Invitation, invitation_id, g.caller), "cancelled by the API", clock.now()
    ):
        raise errors.Clash("Only an invitation that is not sent can be cancelled.")
