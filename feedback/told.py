"""What webhooks are told of responses, comments and topics: what the API shows of them at that moment."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from feedback import columns, feed
from feedback.models import Reading, Topic
from feedback.topics import topics
from surveys import responses, visible
from surveys.base import clock, db
from surveys.base.accounts.caller import Caller
from surveys.models import Erased, Response
from surveys.webhooks import telling
from surveys.webhooks.telling import Told, View

CREATED, DELETED, READ = "response.created", "response.deleted", "comment.read"


def created(payload: dict[str, Any], now: datetime) -> None:
    """Tell of a new response."""
    _tell(CREATED, payload["key"], None, now)


def updated(payload: dict[str, Any], now: datetime) -> None:
    """Tell of a response that has a new version; several that came at once are told as the last of them."""
    _tell(telling.UPDATED, payload["key"], None, now)


def read(payload: dict[str, Any], now: datetime) -> None:
    """Tell what was read in a comment, once for each reading."""
    reading = _reading(payload["key"])
    if reading is not None:
        _tell(READ, reading.key, str(clock.microseconds(reading.read_at)), now)


def deleted(payload: dict[str, Any], now: datetime) -> None:
    """Tell that a response is gone: its id and nothing else of it."""
    row = Erased.get_or_none(Erased.id == payload["id"])
    if row is not None:
        telling.tell(Told(DELETED, row.id, row.survey_id, mark=str(row.version)), now)


class _OfResponses:
    """A response, as the feed shows it. `commented`: an example has a comment."""

    def __init__(self, commented: bool = False) -> None:
        self._commented = commented

    def data(self, subject: str, surveys: Sequence[str] | None) -> Mapping[str, Any] | None:
        item = feed.one(int(subject))
        return columns.whole(item) if item and (surveys is None or item.survey in surveys) else None

    def example(self, surveys: Sequence[str] | None) -> str | None:
        query = Response.select(Response.key).where(~Response.excluded)
        if surveys is not None:
            query = query.where(Response.survey.in_(list(surveys)))
        if self._commented:
            query = query.where(Response.comment.is_null(False))
        row = query.order_by(Response.key.desc()).first()
        return str(row.key) if row else None


class _OfDeletions:
    """What is left of a deleted response, as a follower of the feed sees it."""

    def data(self, subject: str, surveys: Sequence[str] | None) -> Mapping[str, Any] | None:
        row = Erased.get_or_none(Erased.id == subject)
        if row is None or (surveys is not None and row.survey_id not in surveys):
            return None
        return {"id": row.id, "survey": row.survey_id, "deleted": True, "version": row.version}

    def example(self, surveys: Sequence[str] | None) -> str | None:
        query = Erased.select()
        if surveys is not None:
            query = query.where(Erased.survey_id.in_(list(surveys)))
        row = query.order_by(Erased.changed_tick.desc()).first()
        return row.id if row else None


class _OfTopics:
    """A topic, without numbers."""

    def data(self, subject: str, surveys: Sequence[str] | None) -> Mapping[str, Any] | None:
        row = Topic.get_or_none(Topic.id == subject)
        if row is None or not visible.sees(row, _whoever(surveys)):
            return None
        return {name: getattr(row, name) for name in ("id", "label", "status", "owner", "issue_url")}

    def example(self, surveys: Sequence[str] | None) -> str | None:
        live = visible.narrowed(Topic.select().where(Topic.merged_into.is_null()), _whoever(surveys))
        row = live.order_by(Topic.created_at.desc()).first()
        return row.id if row else None


#: What is told of each type of event that happens.
VIEWS: dict[str, View] = {
    CREATED: _OfResponses(),
    telling.UPDATED: _OfResponses(),
    DELETED: _OfDeletions(),
    READ: _OfResponses(commented=True),
    **dict.fromkeys((topics.STATUS_CHANGED, topics.SURGING, topics.CAME_BACK), _OfTopics()),
}


# ------------------------------------------------------------------------------------------------------


def _tell(type_: str, key: int, mark: str | None, now: datetime) -> None:
    row = responses.stored(key) if telling.wanted(type_) else None
    if row is not None:
        # A key may come again with history that was deleted and read in anew; the tick does not.
        mark = f"{row.first_tick} {mark or row.version}" if type_ != CREATED else str(row.first_tick)
        telling.tell(Told(type_, str(key), row.survey_id, response=key, mark=mark), now)


_reading = db.Lookup(Reading.key)


def _whoever(surveys: Sequence[str] | None) -> Caller:
    """Somebody who may see these surveys."""
    return Caller("", "", frozenset(), None if surveys is None else frozenset(surveys))
