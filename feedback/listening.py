"""What follows from an answer: its comment is read, and a follow-up is opened for a person who must be answered."""

import functools
import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog

from feedback import (
    corrections,
    digests,
    feed,
    goals,
    issues,
    letters,
    loop_lists,
    loops,
    lost,
    proofs,
    readers,
    rollups,
    saved_feeds,
    told,
)
from feedback.follow_ups import alerts, cases, opening, writing
from feedback.models import Reading
from feedback.notices import looks, rules, shown, watching
from feedback.sentiment import learning
from feedback.topics import reviews, topics
from surveys import ask_history, events, responses, segment_counts, texts
from surveys.base import db, jobs, worker
from surveys.base.accounts import keys
from surveys.base.delivery import mailed
from surveys.base.jobs import Handler
from surveys.keeping import backup, condition
from surveys.mail import letters as the_mail
from surveys.models import Response
from surveys.webhooks import telling

log = structlog.get_logger()

#: Kept with each reading; a new one means that readings of the old may be done anew.
ENGINE = "words and lexicons 2"

#: Comments in languages that could not be read until an upgrade are read an hour at a time, so many of the newest.
LEFT_AT_ONCE = 2_000

#: A comment that takes longer to read is left unread, in seconds of processor time.
PATIENCE = 5.0

#: After this it is read once more: even processor time is longer where many share a machine.
AGAIN_AFTER = timedelta(hours=1)
READ_AGAIN = "comment to be read again"


def install() -> None:
    """Have the REACTIONS follow, and register the duties of the hour and the night, and what goes with who made it."""
    # One thread for the arithmetic, said before numpy is loaded: a search among thousands of vectors takes a
    # millisecond, and handing it out to other threads, which spin while they wait, took four times as much.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

    jobs.react(REACTIONS)
    telling.use_views(told.VIEWS | shown.VIEWS | goals.VIEWS)
    telling.use_examples(shown.EXAMPLES)
    telling.use_mailboxes(readers.mailbox)
    mailed.use_html(looks.html)
    segment_counts.use(rollups.Counting())
    topics.use_by_hand(issues.changed_by_hand)
    letters.use_kinds(writing.KINDS | loops.KINDS)
    the_mail.use_letters(letters.sent)
    ask_history.use_owed_help(cases.owed_help)
    ask_history.use_mailed(loops.mailed)
    responses.use_outcomes(loops.came_of, writing.hear, writing.heard_as)
    worker.hourly(
        {
            "close what nobody confirms": cases.lapse,
            "warn of overdue follow-ups": alerts.warn,
            "measure follow-ups": cases.measure,
            "forget loops that were cut off": loops.forget_cut_off,
            "forget lists of whom to tell": loop_lists.tidy,
            "roll up segments": rollups.hourly,
            "look at what rules watch": watching.hourly,
            "queue digests": digests.hourly,
            "look who may be lost": lost.hourly,
            "judge goals": goals.hourly,
            "review topics after an upgrade": reviews.renew,
            "read what could not be read": read_left,
        }
    )
    worker.nightly(
        {
            "review topics": reviews.nightly,
            "watch what was shipped": proofs.watch,
            "look at all who may be lost": lost.nightly,
            "forget old notices": watching.forget_old,
            "forget digests": digests.tidy,
            "forget readers": readers.tidy,
        }
    )
    backup.look_first(
        {
            "close what nobody confirms": cases.lapse,
            "warn of overdue follow-ups": alerts.warn,
            "look at what rules watch": watching.look,
            "watch what was shipped": proofs.watch,
            "judge goals": goals.look,
            "pass over digests": digests.hold,
        }
    )
    condition.count_unsent({"letters": letters.unsent, "digests": digests.unsent})
    keys.use_things("feeds", saved_feeds.OfMakers())
    keys.use_things("rules", rules.OfMakers())
    keys.use_things("digests", digests.OfMakers())


@jobs.on(corrections.WITHDRAWN, READ_AGAIN)
def read_comment(payload: dict[str, Any], now: datetime) -> None:
    """Read language and sentiment of a response's comment; a sentiment that a person gave stands."""
    row = responses.stored(payload["key"])
    if row is None:
        return
    known = _reading(row.key)
    comment = (row.comment or "").strip()
    if not comment:
        if known is not None:
            db.write(lambda: _forget(row.key, now))
        return
    _warm_up()
    again = False
    try:
        with jobs.processor_limit(PATIENCE):
            values = _read(row, comment)
    except Exception as error:
        # The limit of the whole job tells nothing of the comment.
        if db.away(error) or type(error) is jobs.TooSlow:
            raise
        # The next comment is not to wait for it. Whatever else goes wrong would go wrong again.
        again = isinstance(error, jobs.TooMuchWork) and not payload.get("again")
        log.error("comment not read", key=row.key, again=again, error=type(error).__name__)
        values = dict.fromkeys(_READ) | {"engine": ENGINE}

    def keep() -> None:
        _keep(row, values, now)
        if again:
            jobs.enqueue(READ_AGAIN, {"key": row.key, "again": True}, now, now + AGAIN_AFTER)

    db.write(keep)


def read_left(now: datetime) -> None:
    """Have comments read whose language no earlier engine read, the newest first.

    Those that a person labelled, and those that were read, keep what was said of them.
    """
    from feedback.analysis import phrasebook  # a set of names, without any engine

    left: Any = (
        Reading.select(Reading.key)
        .where(
            Reading.label.is_null(),
            ~Reading.by_person,
            Reading.engine != ENGINE,
            Reading.language.in_(sorted(phrasebook.LANGUAGES)),
        )
        .order_by(Reading.key.desc())
        .limit(LEFT_AT_ONCE)
    )
    keys = [key for (key,) in db.database.execute(left).fetchall()]
    if keys:
        db.write(lambda: jobs.enqueue_all(READ_AGAIN, [({"key": key}, now) for key in keys], in_bulk=True))


def place_comment(payload: dict[str, Any], now: datetime) -> None:
    """Put a response's comment into the topics it speaks of; unlike all others, it waits for the next review."""
    # Here, because the text engines belong into the worker's memory and not into the web's.
    from feedback.analysis import nothing
    from feedback.analysis.topics import representations
    from feedback.topics import arrivals

    arrived = arrivals.arrived(payload["key"])
    if arrived is None:
        return
    # In languages that the vectors do not know they would make topics of noise.
    understood = arrived.language in representations.current().languages or arrived.by_person
    empty = not arrived.comment or (
        nothing.says_nothing(arrived.comment, arrived.language) and not arrived.by_person
    )
    if empty or arrived.test or not understood:
        if arrived.vector is not None or arrived.placements:
            arrivals.forget(arrived.key, now)
        return
    known = arrivals.known(arrived.mark)
    try:
        with jobs.processor_limit(PATIENCE):
            arrivals.place(arrived, known, now)
    except Exception as error:
        if db.away(error) or type(error) is jobs.TooSlow:
            raise
        log.error("comment not placed", key=arrived.key, exc_info=error)


def forget_words(payload: dict[str, Any], now: datetime) -> None:
    """Names of topics that nobody says any more go with the comment that said them."""
    topics.forget_words(feed.is_said, now)


#: What follows from what happens, each line by itself. A comment is placed by what was read of it.
REACTIONS: dict[str, tuple[tuple[Handler, ...], ...]] = {
    events.RECORDED: (
        (told.created,),
        (read_comment, place_comment, told.read),
        (opening.wait,),
        (watching.wait,),
    ),
    events.AMENDED: (
        (read_comment, place_comment, told.read),
        (opening.wait,),
        (watching.wait,),
        (learning.relearn,),
    ),
    events.CHANGED: ((told.updated,),),
    events.ERASED: (
        (told.deleted,),
        (forget_words,),
        (learning.unlearn,),
        (cases.forget_empty, writing.forget),
    ),
}


# ------------------------------------------------------------------------------------------------------


_READ = (
    *("language", "says_nothing", "leaves", "label", "score", "words"),
    *("text_label", "text_score", "shipped_label"),
)

#: What the engine alone says, also where a person's label stands.
_BESIDE_PERSON = ("language", "says_nothing", "leaves", "text_label", "text_score", "shipped_label")


@functools.cache
def _warm_up() -> None:
    """Load the engines, which takes seconds and is no comment's fault."""
    from feedback.analysis import languages
    from feedback.analysis.sentiment import reading

    languages.identifier()
    reading.read("Ready")


def _read(row: Response, comment: str) -> dict[str, Any]:
    # Here, because the text engines belong into the worker's memory and not into the web's.
    from feedback.analysis import languages, leaving, nothing
    from feedback.analysis.sentiment import reading

    score, question, claimed = (
        learning.share(row),
        learning.question(row),
        texts.spoken(row.survey, row.language),
    )
    taught = learning.adjustment(row.survey_id)
    shipped = reading.read(comment, score=score, question=question, language=claimed)
    found = shipped
    if shipped is not None and taught is not None:
        found = reading.read(comment, score=score, question=question, language=claimed, adjustment=taught)
    if found is None or shipped is None:
        language = languages.of(comment, claimed)
        beside = {
            "language": language,
            "says_nothing": nothing.says_nothing(comment, language),
            "leaves": leaving.leaves(comment, language),
        }
        return dict.fromkeys(_READ) | beside | {"engine": ENGINE}
    return {
        "language": found.language,
        "says_nothing": nothing.says_nothing(comment, found.language),
        "leaves": leaving.leaves(comment, found.language),
        "label": str(found.label),
        "score": found.score,
        "words": list(found.words),
        "text_label": str(found.text_label),
        "text_score": found.text_score,
        "shipped_label": str(shipped.label),
        "engine": ENGINE,
    }


def _keep(row: Response, values: dict[str, Any], now: datetime) -> None:
    key = row.key
    standing = _comment(key=key).fetchone()
    # Changed words have a job of their own, which may be done already.
    if standing is None or standing[0] != row.comment:
        return
    known = Reading.get_or_none(Reading.key == key)
    if known is not None and known.by_person:
        _keep_beside(known, values, now)
        return
    if known is not None and all(getattr(known, name) == value for name, value in values.items()):
        return
    Reading.insert(key=key, read_at=now, **values).on_conflict(
        conflict_target=[Reading.key], update={**values, "read_at": now}
    ).execute()
    responses.touch(key, now)


def _build_comment() -> Any:
    read = Response.select(Response.comment).where(Response.key == db.slot("key"))
    return read if db.on_sqlite() else read.for_update()


_comment = db.Prepared(_build_comment)
_reading = db.Lookup(Reading.key)


def _forget(key: int, now: datetime) -> None:
    known = Reading.get_or_none(Reading.key == key)
    if known is not None and known.by_person:
        _keep_beside(known, dict.fromkeys(_BESIDE_PERSON), now)
    elif known is not None:
        known.delete_instance()
        responses.touch(key, now)


def _keep_beside(known: Reading, values: Mapping[str, Any], now: datetime) -> None:
    """Keep what the engine says beside a person's label; `read_at` stays the moment of their word."""
    beside = {name: values[name] for name in _BESIDE_PERSON}
    if any(getattr(known, name) != value for name, value in beside.items()):
        Reading.update(beside).where(Reading.key == known.key).execute()
        responses.touch(known.key, now)
