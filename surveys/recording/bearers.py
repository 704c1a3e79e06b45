"""What the bearer of an invitation may see and answer."""

from datetime import datetime

from surveys import invitations, responses
from surveys.base.errors import Clash, Gone
from surveys.models import Invitation, Response


class Answered(Clash):
    """Somebody answered for this resolution of the ticket already; a printed link cannot change that."""


def to_invitation(invitation: Invitation, own: str | None = None) -> Response | None:
    """The answer to the invitation, which its bearer may see and change.

    Raises Answered for a printed link once somebody has answered, unless with the id `own` that the bearer proved.
    """
    row = Response.get_or_none(Response.invitation == invitation.id)
    if row is None or row.id != own:
        check_bearer(invitation, row)
    return row


def check_bearer(invitation: Invitation, row: Response | None) -> None:
    """Raise Answered for a printed link when somebody answered by it (`row`), or the customer by their own.

    Whoever has a printed link can have it name any ticket: what is stored is not theirs to see or to change.
    """
    if invitation.unverified and (row is not None or responses.of_twin(invitation) is not None):
        raise Answered("This resolution of the ticket was answered already.")


def check_open(invitation: Invitation, now: datetime) -> None:
    """Raise Gone when the invitation can no longer be answered."""
    if invitations.is_over(invitation, now):
        raise Gone("This invitation can no longer be answered.")
