"""How far the team is with each response: unread, done, archived."""

from collections.abc import Sequence
from datetime import datetime

from feedback.models import Triage
from surveys import responses
from surveys.base import db


def put(keys: Sequence[int], state: str, made_by: str | None, now: datetime) -> None:
    """Put responses into a state of `Triage.STATES`; those that are in it already stay as they are.

    A few hundred at once; followers of the feed are told of each.
    """

    def verb() -> None:
        stood = {
            row.response_key: row.state
            for row in Triage.select(Triage.response, Triage.state).where(Triage.response.in_(list(keys)))
        }
        moved = [key for key in keys if stood.get(key, "unread") != state]
        if not moved:
            return
        Triage.delete().where(Triage.response.in_(moved)).execute()
        if state != "unread":
            Triage.insert_many(
                [{"response": key, "state": state, "made_by": made_by, "at": now} for key in moved]
            ).execute()
        responses.touch_all(moved, now)

    db.write(verb)
