"""People who may be lost: the reasons, each a link, and how long customers stay."""

from typing import Any

import marshmallow as ma

from feedback import lost
from feedback.dashboard import layout, registry
from feedback.dashboard.words import say
from surveys.base import clock
from surveys.base.http import lists
from surveys.views.people import seen

ADDRESS = "/team/lost"


class LostQuery(ma.Schema):
    """Which page."""

    cursor = lists.PageArgs().fields["cursor"]


@registry.page(title=say("lost"), address=ADDRESS, scope="write", nav="people", icon="warn", place=2)
def index() -> Any:
    """The list, those with the most points first."""
    asked, after = layout.query(LostQuery()), None
    if asked.get("cursor"):
        points, person = lists.decode_cursor(asked["cursor"], int, str)
        after = (points, person)
    found, following = lost.listed(registry.seen(), lists.PAGE_DEFAULT, after)
    seen([each.person for each in found])
    return layout.page(
        "lost.html",
        say("lost"),
        people=found,
        address=lost.address,
        looked_at=lost.looked_at(),
        following=layout.here(cursor=lists.encode_cursor(*following)) if following else None,
    )


@registry.page(title=say("lost.stays"), address=f"{ADDRESS}/survival", scope="write")
def survival() -> Any:
    """How long customers stay after their first answer, by its group."""
    return layout.page(
        "lost_survival.html",
        say("lost.stays"),
        groups=lost.stays(registry.seen(), clock.now()),
        marks=lost.MARKS,
        left_on=lost.LEFT_ON,
    )
