"""Goals over the API: what is to be reached by when, and what may honestly be said of it."""

from typing import Any

from flask import g

from feedback import filters as the_filters
from feedback import goals
from feedback.models import Goal
from feedback.schemas.goals import GoalBody, GoalList, GoalOut, GoalPatch, day
from surveys import visible
from surveys.base import clock
from surveys.base.http import context, lists
from surveys.base.http.bodies import Routes
from surveys.base.http.callers import needs
from surveys.base.http.replays import idempotent
from surveys.domain import schedule

routes = Routes(
    "goals", __name__, url_prefix="/api/goals", description="A value that is to be reached by a day."
)


@routes.route("", methods=["GET"])
@needs("write")
@routes.arguments(lists.PageArgs, location="query")
@routes.response(200, GoalList)
def index(query: dict[str, Any]) -> Any:
    """Goals, newest first, as they were last judged (hourly); those that have ended with their result."""
    rows, following = lists.newest_first(
        visible.narrowed(Goal.select(), g.caller),
        Goal.created_at,
        Goal.id,
        query.get("cursor"),
        query["limit"],
    )
    return {"items": [goals.stored(row) for row in rows], "next": following}


@routes.route("", methods=["POST"])
@needs("write")
@idempotent
@routes.arguments(GoalBody)
@routes.response(201, GoalOut)
def create(body: dict[str, Any]) -> Any:
    """Make a goal. The answer says whether it can be judged at all with as many answers as there are."""
    the_filters.check(body.get("filters", {}), g.caller, "filters.")
    zone, now = context.settings().time_zone, clock.now()
    values = {"start": schedule.day_of(now, zone), **_days(body)}
    return _shown(goals.create(values, g.caller, now))


@routes.route("/<goal_id>", methods=["GET"])
@needs("write")
@routes.response(200, GoalOut)
def show(goal_id: str) -> Any:
    """One goal, as it stands at this moment."""
    return _shown(visible.own(Goal, goal_id, g.caller))


@routes.route("/<goal_id>", methods=["PATCH"])
@needs("write")
@routes.arguments(GoalPatch)
@routes.response(200, GoalOut)
def change(body: dict[str, Any], goal_id: str) -> Any:
    """Change a goal. It is judged anew; one that had ended runs again where it is due later now."""
    row = visible.own(Goal, goal_id, g.caller)
    the_filters.check(body.get("filters", {}), g.caller, "filters.")
    return _shown(goals.change(row, _days(body), clock.now()))


@routes.route("/<goal_id>", methods=["DELETE"])
@needs("write")
@routes.response(204)
def delete(goal_id: str) -> Any:
    """Delete a goal, with its result."""
    goals.delete(visible.own(Goal, goal_id, g.caller))


# ------------------------------------------------------------------------------------------------------


def _shown(row: Goal) -> goals.GoalReport:
    return goals.shown(row, context.settings().time_zone, clock.now())


def _days(body: dict[str, Any]) -> dict[str, Any]:
    zone = context.settings().time_zone
    return {name: day(value, zone) if name in ("start", "due") else value for name, value in body.items()}
