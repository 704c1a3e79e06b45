"""The team's own tags over the API."""

from typing import Any

from flask import g

from feedback import team_tags
from feedback.schemas.tags import TeamTags
from surveys import visible
from surveys.base.http.bodies import Routes
from surveys.base.http.callers import needs

routes = Routes("tags", __name__, url_prefix="/api/tags", description="The team's own set of tags.")


@routes.route("", methods=["GET"])
@needs("read")
@routes.response(200, TeamTags)
def index() -> Any:
    """The team's own tags, each with its meaning, in the team's order."""
    return {"items": team_tags.listed()}


@routes.route("", methods=["PUT"])
@needs("write")
@routes.arguments(TeamTags)
@routes.response(200, TeamTags)
def replace(body: dict[str, Any]) -> Any:
    """Put another set in its place; what responses were given stays on them."""
    visible.demand_all(g.caller, "Tags are shared by all surveys, and you see only some of them.")
    return {"items": team_tags.replace(body["items"])}
