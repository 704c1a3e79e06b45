"""The one door for helpdesk calls: proof first, then the connection's own adapter reads what is said."""

from __future__ import annotations

from datetime import datetime

from surveys.helpdesks import HELPDESKS, proofs
from surveys.helpdesks.helpdesk import Call, Challenge, Connection, Event, Ignored

SHARED = "shared"
# Intercom asks without a signature whether the address answers before it saves it. It learns nothing more.
UNSIGNED_HEAD = {"intercom"}


class Unproven(Exception):
    """The call does not show that it comes from this connection's helpdesk: answer 401 with an empty body."""


def receive(call: Call, connection: Connection, now: datetime) -> Event | Ignored | Challenge:
    """What a call to this connection says.

    `now` is aware; it bounds replays where the scheme signs a time. Raises `Unproven` without the right
    proof and nothing else, whatever the bytes.
    """
    adapter = HELPDESKS[connection.kind]
    if call.method == "HEAD" and connection.kind in UNSIGNED_HEAD:
        return Challenge()
    if not proved(call, connection, now):
        raise Unproven
    return adapter.read(call, connection)


def proved(call: Call, connection: Connection, now: datetime) -> bool:
    """Whether the call carries the proof that its connection asks for. No other scheme is tried."""
    adapter = HELPDESKS[connection.kind]
    proof = connection.proof or adapter.PROOF
    check = proofs.shared if proof == SHARED else adapter.PROOFS.get(proof)
    return check is not None and check(call, connection.secret, now)
