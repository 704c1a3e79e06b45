"""Items as they are handed out: as objects of JSON, and as tables with one table of columns for all files."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any

from feedback.domain.cells import cell
from feedback.item import Deleted, Feeling, Item, Left
from feedback.segments import PROPERTY
from surveys.base.clock import stamp
from surveys.base.db import compact


def _moment(name: str) -> Callable[[Item], str | None]:
    return lambda item: stamp(getattr(item, name))


def _of(whole: str, name: str) -> Callable[[Item], Any]:
    return lambda item: getattr(getattr(item, whole), name, None)


def _listed(name: str) -> Callable[[Item], str]:
    return lambda item: "; ".join(getattr(item, name))


def _yes(name: str) -> Callable[[Item], str]:
    return lambda item: "yes" if getattr(item, name) else ""


def _json(name: str) -> Callable[[Item], str]:
    return lambda item: compact(getattr(item, name)) if getattr(item, name) else ""


def _property(name: str) -> Callable[[Item], Any]:
    def value(item: Item) -> Any:
        found = item.properties.get(name)
        return ("false", "true")[found] if isinstance(found, bool) else found

    return value


#: Each column's name, and what stands in it of an item.
COLUMNS: dict[str, Callable[[Item], Any]] = {
    "id": attrgetter("id"),
    "created_at": _moment("created_at"),
    "updated_at": _moment("updated_at"),
    **{name: attrgetter(name) for name in ("survey", "metric", "score", "group", "comment", "language")},
    "sentiment": _of("sentiment", "label"),
    "sentiment_score": _of("sentiment", "score"),
    "topics": lambda item: "; ".join(topic.label for topic in item.topics),
    "channel": attrgetter("channel"),
    "touchpoint": attrgetter("touchpoint"),
    "agent_id": _of("agent", "id"),
    "agent": _of("agent", "name"),
    "team_id": _of("team", "id"),
    "team": _of("team", "name"),
    "ticket_id": _of("ticket", "id"),
    "ticket_number": _of("ticket", "number"),
    "ticket_channel": _of("ticket", "channel"),
    "person_id": _of("person", "id"),
    "person": _of("person", "name"),
    "tags": _listed("tags"),
    "flags": _listed("flags"),
    "excluded": _yes("excluded"),
    "test": _yes("test"),
    "answers": _json("answers"),
    "properties": _json("properties"),
    "triage": attrgetter("triage"),
    "contact": attrgetter("contact"),
    "asked_at": lambda item: stamp(item.asked_at) if item.asked_at else None,
    "answered_after_seconds": attrgetter("answered_after"),
    "seconds": attrgetter("seconds"),
}

#: The columns that everybody who has the address of a saved view may read.
OF_VIEWS = (
    "id", "created_at", "survey", "metric", "score", "group", "comment", "language", "sentiment", "topics",
    "channel", "touchpoint", "agent", "team", "tags",
)  # fmt: skip


def rows(
    items: Iterable[Item], names: Sequence[str] = tuple(COLUMNS), properties: Sequence[str] = ()
) -> Iterator[list[Any]]:
    """The names of some columns, then the items, one a row; behind them a column for each of some properties."""
    yield [*names, *(f"{PROPERTY}{name}" for name in properties)]
    cells = [*(COLUMNS[name] for name in names), *map(_property, properties)]
    for item in items:
        yield [value(item) for value in cells]


def lines(found: Iterable[Sequence[Any]], delimiter: str = ",") -> Iterator[str]:
    """Rows as CSV (RFC 4180) with the mark of UTF-8, so that spreadsheets know; no cell can run as a formula."""
    text = io.StringIO()
    text.write("\ufeff")
    writer = csv.writer(text, delimiter=delimiter)
    for row in found:
        writer.writerow([cell(value) for value in row])
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def whole(item: Item) -> dict[str, Any]:
    """An item as the object that the API, exports and webhooks show; written by hand, since there may be a million."""
    person, sentiment, ticket = item.person, item.sentiment, item.ticket
    agent, team, follow_up = item.agent, item.team, item.follow_up
    found: dict[str, Any] = {
        "id": item.id,
        "survey": item.survey,
        "metric": item.metric,
        "score": item.score,
        "group": item.group,
        "comment": item.comment,
        "answers": item.answers,
        "language": item.language,
        "person": {"id": person.id, "name": person.name, "verified": person.verified} if person else None,
        "sentiment": None,
        "topics": [
            {
                "id": topic.id,
                "label": topic.label,
                "evidence": topic.evidence,
                "sentiment": topic.sentiment,
            }
            for topic in item.topics
        ],
        "channel": item.channel,
        "touchpoint": item.touchpoint,
        "agent": {"id": agent.id, "name": agent.name} if agent else None,
        "team": {"id": team.id, "name": team.name} if team else None,
        "ticket": None,
        "properties": item.properties,
        "tags": item.tags,
        "flags": item.flags,
        "excluded": item.excluded,
        "test": item.test,
        "follow_up": {"id": follow_up.id, "status": follow_up.status} if follow_up else None,
        "triage": item.triage,
        "contact": item.contact,
        "asked_at": stamp(item.asked_at) if item.asked_at else None,
        "seconds": item.seconds,
        "version": item.version,
        "created_at": stamp(item.created_at),
        "updated_at": stamp(item.updated_at),
    }
    if sentiment:
        found["sentiment"] = _feeling(sentiment)
        if sentiment.by_words:
            found["sentiment"]["by_words"] = _feeling(sentiment.by_words)
    if ticket:
        found["ticket"] = {
            "id": ticket.id,
            "number": ticket.number,
            "url": ticket.url,
            "channel": ticket.channel,
            "subject": ticket.subject,
        }
    if item.similarity is not None:
        found["similarity"] = item.similarity
    return found


def change(item: Item | Deleted | Left) -> dict[str, Any]:
    """What a follower of changes is told: the whole item, or its id and version and that it was deleted or left."""
    if isinstance(item, Item):
        return whole(item)
    kind = "deleted" if isinstance(item, Deleted) else "left"
    return {"id": item.id, kind: True, "version": item.version}


def _feeling(feeling: Feeling) -> dict[str, Any]:
    return {"label": feeling.label, "score": feeling.score}
