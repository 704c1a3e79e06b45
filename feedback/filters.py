"""What filters of the feed and of numbers name: whether it is there, and for the caller to see."""

from collections.abc import Mapping, Sequence
from typing import Any

from peewee import fn

from feedback.models import Placement, Topic
from surveys.models import Invitation, Person, Response, Survey


class Unknown(Exception):
    """Nothing that the caller may see is called so; `name` is the filter."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no such {name}.")
        self.name = name


def check(filters: Mapping[str, Any], surveys: Sequence[str] | None) -> None:
    """Raises Unknown for a survey, topic or person that is not there, or not in these surveys (None: in any)."""
    for name, there in (("survey", _surveys), ("topic", _topics), ("person", _people)):
        if filters.get(name) is not None and not there(filters[name], surveys).exists():
            raise Unknown(name)


# ------------------------------------------------------------------------------------------------------


def _surveys(survey_id: str, surveys: Sequence[str] | None) -> Any:
    found = Survey.select().where(Survey.id == survey_id)
    return found if surveys is None else found.where(Survey.id.in_(surveys))


def _topics(topic_id: str, surveys: Sequence[str] | None) -> Any:
    """A topic; of one that was merged, some answer may be in the one it went into."""
    found = Topic.select().where(Topic.id == topic_id)
    if surveys is None:
        return found
    said = Placement.select().join(Response, on=(Response.key == Placement.response))
    return found.where(
        fn.EXISTS(said.where(Placement.topic.in_(Topic.standing(topic_id)), Response.survey.in_(surveys)))
    )


def _people(person_id: str, surveys: Sequence[str] | None) -> Any:
    """A person; for whoever sees some surveys alone, one whom these asked or heard."""
    found = Person.select().where(Person.id == person_id)
    if surveys is None:
        return found
    heard = Response.select().where(Response.person == person_id, Response.survey.in_(surveys))
    asked = Invitation.select().where(Invitation.person == person_id, Invitation.survey.in_(surveys))
    return found.where(fn.EXISTS(heard) | fn.EXISTS(asked))
