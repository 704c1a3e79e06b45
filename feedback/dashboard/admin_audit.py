"""The audit log: who changed what, newest first."""

from flask import Response, g

from feedback.dashboard import layout, registry
from feedback.dashboard.words import say
from surveys import visible
from surveys.base.accounts import audit
from surveys.base.accounts.audit import AuditEntry
from surveys.base.http import lists
from surveys.schemas.members import AuditQuery

ADDRESS = "/team/admin/audit"


@registry.page(title=say("audit"), address=ADDRESS, scope="admin", nav="admin", icon="clock", place=60)
def index() -> Response:
    """Changes, narrowed by `thing` (an id, a person's too) and `caller`."""
    query = layout.query(AuditQuery())
    found = visible.narrowed(audit.entries(query.get("thing"), query.get("caller")), g.caller)
    rows, following = lists.newest_first(
        found, AuditEntry.at, AuditEntry.id, query.get("cursor"), query["limit"]
    )
    return layout.page(
        "audit.html",
        say("audit"),
        entries=rows,
        thing=query.get("thing"),
        narrowed=bool({"thing", "caller", "cursor"} & set(query)),
        following=layout.here(cursor=following) if following else None,
    )
