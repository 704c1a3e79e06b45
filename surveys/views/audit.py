"""The audit log over the API."""

from typing import Any

from flask import g

from surveys import visible
from surveys.base.accounts import audit
from surveys.base.accounts.audit import AuditEntry
from surveys.base.http import lists
from surveys.base.http.bodies import Routes
from surveys.base.http.callers import needs
from surveys.schemas.members import AuditList, AuditQuery

routes = Routes("audit", __name__, url_prefix="/api/audit", description="Who changed what.")


@routes.route("", methods=["GET"])
@needs("admin")
@routes.arguments(AuditQuery, location="query")
@routes.response(200, AuditList)
def index(query: dict[str, Any]) -> Any:
    """What members, keys and commands changed, newest first."""
    found = visible.narrowed(audit.entries(query.get("thing"), query.get("caller")), g.caller)
    rows, following = lists.newest_first(
        found, AuditEntry.at, AuditEntry.id, query.get("cursor"), query["limit"]
    )
    return {"items": rows, "next": following}
