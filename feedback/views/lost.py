"""Who may be lost, and how long customers stay, over the API."""

from typing import Any

from flask import g

from feedback import lost
from feedback.schemas.lost import LostList, StaysList
from surveys import links, visible
from surveys.base import clock
from surveys.base.http import lists
from surveys.base.http.bodies import Routes
from surveys.base.http.callers import needs

routes = Routes("lost", __name__, url_prefix="/api/people", description="Who may be lost, and why.")


@routes.route("/lost", methods=["GET"])
@needs("write")
@routes.arguments(lists.PageArgs, location="query")
@routes.response(200, LostList)
def listed(query: dict[str, Any]) -> Any:
    """People who may be lost, with the reasons, each of which leads to what it was seen in; looked at every hour."""
    after = None
    if "cursor" in query:
        points, person = lists.decode_cursor(query["cursor"], int, str)
        after = (points, person)
    found, following = lost.listed(visible.only(g.caller), query["limit"], after)
    items = [
        {
            "person": each.person,
            "points": each.points,
            "reasons": [{**vars(reason), "url": links.to(lost.address(reason))} for reason in each.reasons],
        }
        for each in found
    ]
    return {"items": items, "next": lists.encode_cursor(*following) if following else None}


@routes.route("/survival", methods=["GET"])
@needs("write")
@routes.response(200, StaysList)
def survival() -> Any:
    """How long customers stay after their first answer, by its group, where people have the property `left_on`."""
    return {"items": lost.stays(visible.only(g.caller), clock.now())}
