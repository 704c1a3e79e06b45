"""The audit log: who changed what, newest first."""

from operator import attrgetter
from typing import Any

from flask import Response, g

from feedback import labels
from feedback.dashboard import deeds, layout, registry
from feedback.dashboard.words import say
from feedback.models import Goal, NoticeRule, Pin, SavedFeed, Theme, Topic, Tracker
from surveys import visible
from surveys.base.accounts import audit
from surveys.base.accounts.audit import AuditEntry
from surveys.base.accounts.keys import ApiKey
from surveys.base.accounts.members import Member
from surveys.base.http import lists
from surveys.models import Connection, Survey
from surveys.schemas.members import AuditQuery

ADDRESS = "/team/admin/audit"

#: Things of one name that are looked for at once.
MOST_NAMED = 200

#: What an id names by its beginning, and what that is called; for who sees some surveys alone the first two.
_NAMED: dict[str, tuple[Any, Any]] = {
    "sv": (Survey, attrgetter("name")),
    "mem": (Member, attrgetter("called")),
    "top": (Topic, labels.of),
    "thm": (Theme, labels.of),
    "con": (Connection, attrgetter("name")),
    "trk": (Tracker, attrgetter("name")),
    "key": (ApiKey, attrgetter("name")),
    "feed": (SavedFeed, attrgetter("name")),
    "goal": (Goal, attrgetter("name")),
    "rule": (NoticeRule, attrgetter("name")),
    "pin": (Pin, attrgetter("text")),
}


@registry.page(title=say("audit"), address=ADDRESS, scope="admin", nav="admin", icon="clock", place=60)
def index() -> Response:
    """Changes, narrowed by `thing` (an id, a person's too, or a part of what something is called) and `caller`."""
    query = layout.query(AuditQuery())
    thing = query.get("thing")
    named = _by_name(thing) if thing else []
    # What is typed may be an id as well as a part of somebody's name for another thing.
    found = audit.entries(thing, query.get("caller"), named[:MOST_NAMED])
    found = visible.narrowed(found, g.caller)
    rows, following = lists.newest_first(
        found, AuditEntry.at, AuditEntry.id, query.get("cursor"), query["limit"]
    )
    return layout.page(
        "audit.html",
        say("audit"),
        entries=[
            (
                row,
                deeds.told(row.action, row.fields),
                deeds.fields_told(row.fields),
                say(f"audit.thing.{deeds.hidden(row.action, audit.kind_of(row.thing or ''))}"),
            )
            for row in rows
        ],
        called=_called({row.thing for row in rows if row.thing}),
        thing=thing,
        most_named=MOST_NAMED if len(named) > MOST_NAMED else None,
        narrowed=bool({"thing", "caller", "cursor"} & set(query)),
        following=layout.here(cursor=following) if following else None,
    )


# ------------------------------------------------------------------------------------------------------


def _by_name(text: str) -> list[str]:
    """The ids of what has this in its name today. Of people nobody is found: the log holds no names of theirs."""
    found = []
    for table, name in _NAMED.values():
        if registry.seen() is None or table in (Survey, Member):
            rows = visible.narrowed(table.select(), g.caller)
            found += [row.id for row in rows if text.casefold() in (name(row) or "").casefold()]
    return found


def _called(things: set[str]) -> dict[str, str]:
    """What is among `things` is called today; of what is gone its id is left."""
    found: dict[str, str] = {}
    for prefix, (table, name) in _NAMED.items():
        ids = sorted(thing for thing in things if thing.startswith(f"{prefix}_"))
        if ids and (registry.seen() is None or table in (Survey, Member)):
            rows = visible.narrowed(table.select().where(table.id.in_(ids)), g.caller)
            found |= {row.id: name(row) for row in rows}
    return found
