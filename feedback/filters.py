"""What filters of the feed and of numbers name: whether it is there, and for the caller to see."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from peewee import fn

from feedback import segments
from feedback.models import Placement, Theme, Topic
from surveys import visible
from surveys.base.accounts.caller import Caller
from surveys.base.errors import Refused
from surveys.models import Person, Response, Survey


def check(filters: Mapping[str, Any], caller: Caller, prefix: str = "") -> None:
    """Raises Refused for a survey, topic, theme or person that is not there, or that the caller may not see.

    `prefix`: where in the body the filters stand, as `filters.`.
    """
    for name, there in (("survey", _surveys), ("topic", _topics), ("theme", _themes), ("person", _people)):
        if filters.get(name) is not None and not there(filters[name], caller).exists():
            raise Refused(f"There is no such {name}.", f"{prefix}{name}")


def moments(filters: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """Filters as the queries want them: `since` and `until` as moments, days beginning in `zone`."""
    return {
        name: value.moment(zone) if name in ("since", "until") and value else value
        for name, value in filters.items()
    }


# ------------------------------------------------------------------------------------------------------


def _surveys(survey_id: str, caller: Caller) -> Any:
    return visible.surveys(caller).where(Survey.id == survey_id)


def _people(person_id: str, caller: Caller) -> Any:
    return visible.narrowed(Person.select().where(Person.id == person_id), caller)


def _themes(theme_id: str, caller: Caller) -> Any:
    """A theme; of one that was merged, some answer may be in a topic of the one it went into."""
    found = Theme.select().where(Theme.id == theme_id)
    mine = visible.only(caller)
    if mine is None:
        return found
    return found.where(
        fn.EXISTS(Response.select().where(segments.placed(theme_id), Response.survey.in_(mine)))
    )


def _topics(topic_id: str, caller: Caller) -> Any:
    """A topic; of one that was merged, some answer may be in the one it went into."""
    found = Topic.select().where(Topic.id == topic_id)
    mine = visible.only(caller)
    if mine is None:
        return found
    said = Placement.select().join(Response, on=(Response.key == Placement.response))
    return found.where(
        fn.EXISTS(said.where(Placement.topic.in_(Topic.standing(topic_id)), Response.survey.in_(mine)))
    )
