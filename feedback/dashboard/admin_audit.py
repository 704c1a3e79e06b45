"""The audit log: who changed what, newest first."""

from flask import Response, g

from feedback.dashboard import deeds, layout, registry
from feedback.dashboard.words import say
from surveys import visible
from surveys.base.accounts import audit
from surveys.base.accounts.audit import AuditEntry
from surveys.base.accounts.members import Member
from surveys.base.http import lists
from surveys.models import Survey
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
        entries=[(row, deeds.told(row.action, row.fields), deeds.fields_told(row.fields)) for row in rows],
        called=_called({row.thing for row in rows if row.thing}),
        thing=query.get("thing"),
        narrowed=bool({"thing", "caller", "cursor"} & set(query)),
        following=layout.here(cursor=following) if following else None,
    )


# ------------------------------------------------------------------------------------------------------


def _called(things: set[str]) -> dict[str, str]:
    """What surveys and members among `things` are called today; of what is gone its id is left."""
    surveys = visible.surveys(g.caller).where(Survey.id.in_(sorted(things)))
    people = visible.narrowed(Member.select(), g.caller).where(Member.id.in_(sorted(things)))
    return {row.id: row.name for row in surveys} | {row.id: row.called for row in people}
