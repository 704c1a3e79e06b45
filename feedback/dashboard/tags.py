"""The team's own tags: their meaning, how often each is given by week and agent, and the form that changes them."""

from collections.abc import Mapping
from typing import Any

from flask import request

from feedback import team_tags
from feedback.dashboard import forms, layout, registry, words
from feedback.schemas.tags import MOST, TeamTags
from surveys import visible
from surveys.base import clock
from surveys.base.http import audited, bodies

say = words.say

#: Empty lines at the end of the form.
MORE = 2

#: What a team may begin with.
SUGGESTED = (
    {"tag": "Hooray!", "meaning": say("tags.suggested.hooray"), "color": "#1d8a60"},
    {"tag": "Lost cause", "meaning": say("tags.suggested.lost"), "color": "#b0412d"},
    {"tag": "High complexity", "meaning": say("tags.suggested.complex"), "color": "#7a5cc2"},
)


@registry.page(
    title=say("tags"),
    address="/team/tags",
    scope="read",
    nav="listen",
    icon="tag",
    place=8,
    forms=True,
    form_scope="write",
)
def tags() -> Any:
    """The set with its trends; its form puts another in its place."""
    if request.method == "POST":
        visible.demand_all(registry.caller(), say("tags.shared"))
        given = bodies.form_fields(bodies.PUBLIC_BODY)
        lines = _lines(given)
        values, wrong = forms.load(TeamTags(), {"items": lines})
        if wrong:
            return _page(lines, 422, " ".join(line for found in wrong.values() for line in found))
        try:
            team_tags.replace(values["items"], given.get("version", ""))
        except team_tags.Changed as changed:
            return _page(lines, 409, f"{changed.message} {say('tags.changed')}")
        return layout.led(layout.at("/team/tags"))
    return _page(None)


# ------------------------------------------------------------------------------------------------------


def _page(typed: list[dict[str, Any]] | None, status: int = 200, wrong: str | None = None) -> Any:
    """The set as it is; in the form what was `typed`, where that could not be saved."""
    if wrong:
        audited.unchanged()
    own = team_tags.listed()
    names, seen, zone, now = [each.tag for each in own], registry.seen(), layout.zone(), clock.now()
    trends = team_tags.trends(names, seen, zone, now) if names else {}
    lines: list[Any] = own if typed is None else typed  # type: ignore[assignment]
    most = max((week.n for weeks in trends.values() for week in weeks), default=0) or 1
    return layout.page(
        "tags.html",
        say("tags"),
        status,
        wrong=wrong,
        version=team_tags.version(),
        own=[
            {
                "tag": each.tag,
                "meaning": each.meaning,
                "color": each.color,
                "n": sum(week.n for week in trends[each.tag]),
                "weeks": trends[each.tag],
                "bars": [
                    (round(100 * at / team_tags.WEEKS, 2), round(32 * week.n / most, 1))
                    for at, week in enumerate(trends[each.tag])
                ],
                "href": layout.at("/team/feed", tag=each.tag, since=trends[each.tag][0].start),
            }
            for each in own
        ],
        width=round(75 / team_tags.WEEKS, 2),
        agents=team_tags.by_agent(names, seen, zone, now) if names else [],
        suggested=SUGGESTED,
        lines=[*lines, *([None] * min(MORE, MOST - len(lines)))],
        writes=layout.may("write") and seen is None,
    )


def _lines(given: Mapping[str, str]) -> list[dict[str, Any]]:
    """The lines of the form that name a tag, in the order of their numbers."""
    found = []
    for at in range(MOST):
        tag = given.get(f"tag-{at}", "").strip()
        if tag:
            colour = given.get(f"color-{at}") or None
            found.append({"tag": tag, "meaning": given.get(f"meaning-{at}", "").strip(), "color": colour})
    return found
