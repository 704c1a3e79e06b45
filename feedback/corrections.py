"""What people say better than the engines: the topics and the sentiment of one response."""

from collections.abc import Sequence
from datetime import datetime

from feedback.models import Reading, Topic
from feedback.sentiment import learning
from feedback.topics import topics
from surveys import responses, visible
from surveys.base import db, jobs
from surveys.base.accounts.caller import Caller
from surveys.base.errors import Missing, Refused
from surveys.models import Response

#: The name under which a person's word stands in `Reading.engine`.
PERSON = "person"

#: The job that has a comment read anew.
WITHDRAWN = "sentiment withdrawn"

#: A label alone says how; so it is as far out as that label goes.
SCORES = {"negative": -1.0, "neutral": 0.0, "positive": 1.0}


def set_sentiment(response: Response, label: str, now: datetime) -> None:
    """Let a person's label stand for the comment; no engine changes it, and later readings learn from it."""
    said = {
        "label": label,
        "score": SCORES[label],
        "words": None,
        "engine": PERSON,
        "by_person": True,
        "read_at": now,
    }

    def verb() -> None:
        _there(response)
        jobs.enqueue(learning.JOB, {"survey": response.survey_id}, now)
        Reading.insert(key=response.key, **said).on_conflict(
            conflict_target=[Reading.key], update=said
        ).execute()
        responses.touch(response.key, now)

    db.write(verb)


def withdraw_sentiment(response: Response, now: datetime) -> None:
    """Take a person's label back: the comment is read anew, and nothing is learnt from the label any more."""

    def verb() -> None:
        _there(response)
        theirs = (Reading.key == response.key) & Reading.by_person
        if Reading.update(by_person=False, read_at=now).where(theirs).execute():
            jobs.enqueue(learning.JOB, {"survey": response.survey_id}, now)
            jobs.enqueue(WITHDRAWN, {"key": response.key}, now)

    db.write(verb)


def set_topics(response: Response, topic_ids: Sequence[str], now: datetime, caller: Caller) -> None:
    """Place the comment in just these topics; no review moves it afterwards.

    Raises Missing for a response that is gone, Refused for a topic that is none, or that the caller may not see.
    """
    wanted = list(dict.fromkeys(topic_ids))

    def verb() -> None:
        _there(response)
        live = Topic.select(Topic.id).where(Topic.id.in_(wanted), Topic.merged_into.is_null())
        known = {row.id for row in visible.narrowed(live, caller)}
        for topic_id in wanted:
            if topic_id not in known:
                raise Refused(f"There is no topic {topic_id}.", "topics")
        topics.settle(response.key, wanted, now)

    db.write(verb)


def _there(response: Response) -> None:
    if not Response.select().where(Response.key == response.key).exists():
        raise Missing
