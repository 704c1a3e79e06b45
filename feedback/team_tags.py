"""The team's own set of tags: few, each with its meaning; how often each is given, by week and by agent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from peewee import fn

from feedback.models import TeamTag
from feedback.numbers import Week
from surveys.base import db, versions
from surveys.base.clock import microseconds
from surveys.base.errors import Clash
from surveys.domain import schedule
from surveys.models import Response, ResponseTag

WEEKS = 12


@dataclass(frozen=True, slots=True)
class Agent:
    """How often each tag was given to the answers of an agent. `name`: their id where nobody told it."""

    id: str
    name: str
    counts: Mapping[str, int]


def listed() -> list[TeamTag]:
    """The set, in the team's order."""
    return list(TeamTag.select().order_by(TeamTag.position, TeamTag.tag))


class Changed(Clash):
    """Somebody else has put another set in its place meanwhile."""

    def __init__(self) -> None:
        super().__init__(
            "Somebody changed the set meanwhile. Nothing of yours is lost, and nothing was saved."
        )


def version() -> str:
    """A few letters that stand for the set as it is now: another set has other letters."""
    return versions.of([(each.tag, each.meaning, each.color) for each in listed()])


def replace(tags: Sequence[Mapping[str, Any]], known: str | None = None) -> list[TeamTag]:
    """Replace the set by these, each with `tag`, `meaning` and `color`. Responses keep the tags that they have.

    `known`: the version that is to be replaced. Raises Changed where the set is another by now.
    """

    def verb() -> None:
        db.serialise("team tags")
        if known is not None and known != version():
            raise Changed
        TeamTag.delete().execute()
        if tags:
            TeamTag.insert_many(
                [
                    {
                        "tag": each["tag"],
                        "meaning": each["meaning"],
                        "color": each.get("color"),
                        "position": at,
                    }
                    for at, each in enumerate(tags)
                ]
            ).execute()

    db.write(verb)
    return listed()


def trends(
    tags: Sequence[str], surveys: Sequence[str] | None, zone: ZoneInfo, now: datetime
) -> dict[str, list[Week]]:
    """For each tag how many responses of each of the last `WEEKS` weeks carry it, oldest first."""
    last = schedule.first_day(schedule.day_of(now, zone), "week")
    weeks = [last - timedelta(weeks=back) for back in range(WEEKS - 1, -1, -1)]
    counts: dict[str, dict[date, int]] = {tag: dict.fromkeys(weeks, 0) for tag in tags}
    rows: Any = _given(tags, surveys, schedule.starts_at(weeks[0], zone)).select(
        ResponseTag.tag, Response.day, fn.COUNT(Response.key)
    )
    for tag, day, n in rows.group_by(ResponseTag.tag, Response.day).tuples():
        week = schedule.first_day(date.fromisoformat(day), "week")
        if week in counts[tag]:
            counts[tag][week] += n
    return {tag: [Week(week, n) for week, n in found.items()] for tag, found in counts.items()}


def by_agent(
    tags: Sequence[str], surveys: Sequence[str] | None, zone: ZoneInfo, now: datetime
) -> list[Agent]:
    """For each agent by name how often each tag was given to their answers in the last `WEEKS` weeks."""
    last = schedule.first_day(schedule.day_of(now, zone), "week")
    since = schedule.starts_at(last - timedelta(weeks=WEEKS - 1), zone)
    rows: Any = (
        _given(tags, surveys, since)
        .select(ResponseTag.tag, Response.agent_id, fn.MAX(Response.agent_name), fn.COUNT(Response.key))
        .where(Response.agent_id.is_null(False))
        .group_by(ResponseTag.tag, Response.agent_id)
    )
    names: dict[str, str] = {}
    counts: dict[str, dict[str, int]] = {}
    for tag, agent, name, n in rows.tuples():
        names.setdefault(agent, name or agent)
        counts.setdefault(agent, {})[tag] = n
    found = [Agent(agent, name, counts[agent]) for agent, name in names.items()]
    return sorted(found, key=lambda each: each.name.casefold())


def _given(tags: Sequence[str], surveys: Sequence[str] | None, since: datetime) -> Any:
    query = (
        ResponseTag.select()
        .join(Response, on=(Response.key == ResponseTag.response))
        .where(ResponseTag.tag.in_(list(tags)), Response.key >= microseconds(since))
    )
    return query if surveys is None else query.where(Response.survey.in_(list(surveys)))
