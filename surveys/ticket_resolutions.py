"""One answer for each resolution of a ticket, however many links lead to it.

Two invitations may belong to one resolution: the one that a trigger made (mail, or links for each score), and the
one behind the rating links that the helpdesk prints itself. Each has a mark; they know one another by it.
Whoever can read a ticket can follow its printed link, the agent among them: only the other one is the customer's own.
"""

from surveys.base import db
from surveys.models import Invitation, Resolution

#: The mark of printed links whose ticket nobody but the link itself has named; with a resolution, see `claimed`.
CLAIMED = "~claimed"


def claimed(resolution: str | None) -> str:
    """The mark of an invitation that a printed link made: for a resolution, or for a ticket of which the helpdesk has
    told nothing (None)."""
    return CLAIMED if resolution is None else f"{CLAIMED}:{resolution}"


def twin(invitation: Invitation) -> Invitation | None:
    """The other invitation to the same resolution of the same ticket."""
    mark = _mark(invitation)
    if mark is None or mark.resolution == CLAIMED:
        return None
    bare = mark.resolution.removeprefix(f"{CLAIMED}:")
    other = bare if bare != mark.resolution else claimed(mark.resolution)
    found = [each for each in _marks(mark.source, mark.ticket_id) if each.resolution == other]
    return found[0].invitation if found else None


def hold(invitation: Invitation) -> None:
    """Make everybody wait who decides about the invitation's ticket. Call it in a transaction."""
    ticket_id = (invitation.ticket or {}).get("id")
    if invitation.connection_id and ticket_id:
        db.serialise(ticket_name(invitation.connection_id, ticket_id))


def ticket_name(source: str, ticket_id: str) -> str:
    """What everybody holds who decides about a ticket (see `db.serialise`)."""
    return f"ticket {source} {ticket_id}"


# ------------------------------------------------------------------------------------------------------


_marks = db.Rows(Resolution, Resolution.source, Resolution.ticket_id)
_marked = db.Lookup(Resolution.invitation)


def _mark(invitation: Invitation) -> Resolution | None:
    return _marked(invitation.id) if invitation.connection_id else None
