"""Reviews of all topics: asked for or nightly, worked out beside everything else and written in small pieces."""

import functools
import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from feedback import feed
from feedback.models import Meaning, Placement, Reading, TopicReview
from feedback.topics import topics
from surveys import responses, texts
from surveys.base import clock, db, jobs, worker
from surveys.models import Response, Survey

if TYPE_CHECKING:
    from feedback.analysis.topics.reviewing import Review
    from feedback.domain.topics import State
    from feedback.topics.arrivals import Known, Subject

log = structlog.get_logger()

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"

#: Comments that one review looks at, the newest; older ones stay where they are.
MOST = 100_000

#: A review that runs says so this often, in seconds; one that has said nothing for so long has died.
BEAT, SILENCE = 10.0, timedelta(minutes=1)

#: One that waits for so long has been forgotten by the worker.
FORGOTTEN = timedelta(minutes=15)

#: A review that dies is begun anew, so many times: what kills it may be in the comments.
MOST_DEATHS = 2

#: A review that an upgrade asks for is not asked for again within this.
AGAIN_AFTER = timedelta(hours=20)

#: Comments without a vector that a review keeps one for, the newest: of those in languages that were not known when
#: they came there may be any number, and their vectors are held until they are written.
MOST_KEPT = 20_000

#: Comments of several statements that are looked at for further topics, the newest of those that moved.
MOST_SEVERAL = 3_000

#: Between two pieces of writing others get their turn, in seconds.
PAUSE = 0.01

#: From here on a comment is tried alone before it may take part, characters.
LONG = 2_000

JOB, WATCH = "topics review", "topics review watched"

Progress = Callable[[str, float], None]


class Busy(Exception):
    """Another review has not ended yet."""


def latest() -> TopicReview | None:
    """The last review that was asked for."""
    return TopicReview.select().order_by(TopicReview.id.desc()).first()


def ask(now: datetime) -> tuple[TopicReview, bool]:
    """Have all topics reviewed soon; the review and whether it is new: one that waits or runs serves all."""

    def verb() -> tuple[TopicReview, bool]:
        db.serialise(JOB)
        last = latest()
        if last is not None and _lives(last, now):
            return last, False
        made = TopicReview.create(state=WAITING, asked_at=now)
        jobs.enqueue(JOB, {"id": made.id}, now)
        jobs.enqueue(WATCH, {"id": made.id, "deaths": 0}, now, now + SILENCE)
        return made, True

    return db.write(verb)


def nightly(now: datetime) -> None:
    """Ask for a review when comments have come or gone since the last."""
    last = _last_done()
    changed = Response.select().where(Response.comment.is_null(False))
    if last is not None:
        # Here, because the text engines belong into the worker's memory and not into the web's.
        from feedback.analysis.topics import representations

        if last.representation == representations.in_force():
            changed = changed.where(Response.updated_at > last.started_at)
    if changed.exists():
        ask(now)


def renew(now: datetime) -> None:
    """Ask for a review where what reads comments is another one than at the last: after an upgrade, or a change of the
    package. No day sees it asked for twice, whatever becomes of it."""
    # Here, because the text engines belong into the worker's memory and not into the web's.
    from feedback.analysis.topics import representations

    last, asked = _last_done(), latest()
    if last is None or last.representation == representations.in_force():
        return
    if asked is None or now - asked.asked_at >= AGAIN_AFTER or asked.id == last.id:
        ask(now)


@jobs.on(JOB)
def start(payload: dict[str, Any], now: datetime) -> None:
    """Run the review beside the worker, so that the worker's other jobs do not wait."""
    row = TopicReview.get_or_none(TopicReview.id == payload["id"], TopicReview.state == WAITING)
    if row is not None and not worker.beside(lambda: run(row)):
        raise Busy


@jobs.on(WATCH)
def watch(payload: dict[str, Any], now: datetime) -> None:
    """Begin a review anew that ended with its process: a worker is stopped, or killed, at any moment."""
    row = TopicReview.get_or_none(TopicReview.id == payload["id"], TopicReview.state.in_([WAITING, RUNNING]))
    if row is None:
        return
    deaths = payload["deaths"] + (not _lives(row, now))

    def verb() -> None:
        if deaths > payload["deaths"]:
            log.warning("review died", review=row.id, step=row.step)
            over = deaths > MOST_DEATHS
            ended: dict[str, Any] = (
                {"state": FAILED, "ended_at": now} if over else {"state": WAITING, "step": None}
            )
            dead = (TopicReview.id == row.id) & (
                TopicReview.beat_at.is_null() | (TopicReview.beat_at == row.beat_at)
            )
            if not TopicReview.update(beat_at=now, share=0.0, **ended).where(dead).execute() or over:
                return
            jobs.enqueue(JOB, {"id": row.id}, now)
        jobs.enqueue(WATCH, {"id": row.id, "deaths": deaths}, now, now + SILENCE)

    db.write(verb)


def run(row: TopicReview, tell: Progress = lambda step, share: None) -> None:
    """Do a review. Reading and thinking hold no lock; what comes of it is written in small transactions."""
    told = 0.0

    def progress(step: str, share: float) -> None:
        nonlocal told
        tell(step, share)
        if share in (0.0, 1.0) or time.monotonic() - told > 1:
            told = time.monotonic()
            _note(row, state=RUNNING, step=step, share=share)

    try:
        with _beating(row):
            _run(row, progress)
    except Exception:
        _note(row, state=FAILED, ended_at=clock.now())
        raise


def _run(row: TopicReview, progress: Progress) -> None:
    # Here, because the text engines belong into this process alone.
    from feedback.analysis import evidence
    from feedback.analysis.topics import representations, reviewing
    from feedback.topics import arrivals

    progress("gathering", 0.0)
    now = clock.now()
    _note(row, started_at=now)
    _mend(row, now)
    _mark_silent(now)
    before, comments, settled = _gathered()
    found = reviewing.review(
        before,
        comments,
        representations.current(),
        now,
        _brands(),
        _foreign(representations.current().name) | _unmeant(comments),
        lambda step, share: progress(step, 0.05 + 0.7 * share),
    )
    db.write(lambda: topics.keep(before, found.state, now))
    _forget_words(comments, now)
    ids = list(comments)
    _remember(ids, comments, found, progress)
    _note(row, step="writing")
    moved = [
        id_
        for id_ in ids
        if id_ not in settled
        and found.state.places[id_].topic is not None
        and found.state.places[id_] != before.places.get(id_)
    ]
    state = topics.state()
    marks = evidence.Marks({topic.id: topic.terms for topic in state.topics.values()})
    known = arrivals.Known((), frozenset(), found.index, marks, state.merged)
    several = set(_of_several(moved, comments))
    done = 0
    for part in topics.chunks(moved):
        subjects = _subjects(part, comments, found.state, several, known)
        db.write(functools.partial(_write, part, comments, subjects, now))
        done += len(part)
        progress("writing", 0.8 + 0.2 * done / len(moved))
        time.sleep(PAUSE)
    arrivals.forget_leftovers(clock.now())
    _forget_words(comments, clock.now())
    _note(
        row,
        state=DONE,
        step="done",
        share=1.0,
        comments=len(ids),
        moved=found.moved,
        representation=representations.current().name,
        ended_at=clock.now(),
    )


def _last_done() -> TopicReview | None:
    return TopicReview.select().where(TopicReview.state == DONE).order_by(TopicReview.id.desc()).first()


def _gathered() -> tuple["State", dict[str, str], set[str]]:
    """The topics with the places of all comments, the comments by key, and which of them people placed."""
    from feedback.analysis import languages, nothing
    from feedback.analysis.topics import representations
    from feedback.domain.topics import Place

    known = representations.current().languages
    rows: Any = (
        Response.select(Response.key, Response.comment, Reading.language, Response.language, Response.survey)
        .left_outer_join(Reading, on=(Reading.key == Response.key))
        .where(Response.comment.is_null(False), ~Response.test, ~Response.excluded)
        .where(Reading.key.is_null() | Reading.language.in_(sorted(known)))
        .order_by(Response.key.desc())
        .limit(MOST)
    )
    surveys = {survey.id: survey for survey in Survey.select()}
    person: Any = Meaning.select(Meaning.key).where(Meaning.by_person)
    settled = {str(key) for (key,) in db.database.execute(person).fetchall()}
    # What no worker has read yet says its language here.
    comments = {
        str(key): comment
        for key, comment, read, said, survey in reversed(db.database.execute(rows).fetchall())
        if _is_sound(key, comment)
        and (language := read or languages.of(comment, texts.spoken(surveys[survey], said))) in known
        and (str(key) in settled or not nothing.says_nothing(comment, language))
    }
    main: Any = Placement.select(Placement.response, Placement.topic).where(Placement.main)
    placed = {str(key): sys.intern(topic) for key, topic in db.database.execute(main).fetchall()}
    state = topics.state()
    place = functools.cache(Place)  # one for all comments of a topic
    places = {
        id_: place(placed.get(id_), id_ in settled) for id_ in comments if id_ in placed or id_ in settled
    }
    return replace(state, places=places), comments, settled


def _mark_silent(now: datetime) -> None:
    """Say of comments that were read before it was asked whether they say anything; the newest, in small pieces."""
    from feedback.analysis import nothing

    unmarked: Any = (
        Reading.select(Reading.key, Response.comment, Reading.language)
        .join(Response, on=(Response.key == Reading.key))
        .where(Reading.says_nothing.is_null())
        .order_by(Reading.key.desc())
        .limit(MOST)
    )
    for part in topics.chunks(db.database.execute(unmarked).fetchall()):
        silent = [key for key, comment, read in part if comment and nothing.says_nothing(comment, read)]
        db.write(functools.partial(_note_silent, [key for key, *_ in part], silent, now))
        time.sleep(PAUSE)


def _note_silent(keys: Sequence[int], silent: Sequence[int], now: datetime) -> None:
    unmarked = Reading.says_nothing.is_null()
    Reading.update(says_nothing=True).where(unmarked, Reading.key.in_(silent)).execute()
    Reading.update(says_nothing=False).where(unmarked, Reading.key.in_(keys)).execute()
    # Why they are in no topic is another reason now, which is counted by day.
    if silent:
        responses.touch_all(silent, now)


def _is_sound(key: int, comment: str) -> bool:
    """Whether a comment can be read in time. One that cannot is left out and keeps nobody waiting."""
    if len(comment) < LONG:
        return bool(comment.strip())
    from feedback.analysis import cleaning
    from feedback.topics.arrivals import PATIENCE

    try:
        with jobs.processor_limit(PATIENCE):
            return bool(cleaning.strip(comment))
    except Exception as error:
        log.error("comment left out of the review", key=key, error=type(error).__name__)
        return False


def _brands() -> set[str]:
    """Names of products: they name no topic."""
    return {row.product for row in Survey.select(Survey.product) if row.product}


def _mend(row: TopicReview, now: datetime) -> None:
    """Where the last review, or this one at its last try, died after naming topics, forget the names out of words that
    were erased meanwhile."""
    last = TopicReview.select().where(TopicReview.id < row.id).order_by(TopicReview.id.desc()).first()
    if row.started_at is not None or (last is not None and last.state != DONE):
        topics.forget_words(feed.is_said, now)


def _forget_words(comments: Mapping[str, str], now: datetime) -> None:
    """Where one of `comments` was changed or is gone: forget the names of topics made of words that nobody says now.

    The verb that took the words back could not do so: the names were still being made.
    """
    for part in topics.chunks(list(comments)):
        if len(_unchanged(part, comments)) < len(part):
            topics.forget_words(feed.is_said, now)
            return


def _remember(ids: Sequence[str], comments: Mapping[str, str], found: "Review", progress: Progress) -> None:
    """Keep the vectors of the comments that vote on new ones, and of the comments that another
    representation has read.
    """
    from feedback import vectors as kept_vectors
    from feedback.analysis.topics import representations

    name = representations.current().name
    vectors = {int(id_): row for id_, row in found.vectors.items()}
    chosen = {int(ids[at]): row for row, at in enumerate(found.index.at)}
    voted: Any = Meaning.select(Meaning.key).where(Meaning.blurred.is_null(False)).tuples()
    before = {key for (key,) in voted}
    written = sorted(chosen.keys() | vectors.keys())
    done = 0
    for part in topics.chunks(written):
        rows = [
            {
                "key": key,
                "vector": kept_vectors.packed(
                    found.index.rows[chosen[key]] if key in chosen else vectors[key]
                ),
                "blurred": kept_vectors.packed(found.index.blurred[chosen[key]]) if key in chosen else None,
                "representation": name,
            }
            for key in part
        ]

        def verb(rows: list[dict[str, Any]] = rows) -> None:
            there = _unchanged([str(row["key"]) for row in rows], comments, hold=True)
            kept = [row for row in rows if row["key"] in there]
            if kept:
                Meaning.insert_many(kept).on_conflict(
                    conflict_target=[Meaning.key],
                    preserve=[Meaning.vector, Meaning.blurred, Meaning.representation],
                ).execute()

        db.write(verb)
        done += len(part)
        progress("indexing", 0.75 + 0.05 * done / len(written))
        time.sleep(PAUSE)
    # Last, so that comments that arrive meanwhile find voters.
    for part in topics.chunks(sorted(before - chosen.keys())):
        db.write(Meaning.update(blurred=None).where(Meaning.key.in_(part)).execute)


def _foreign(name: str) -> set[str]:
    """The comments that have vectors of another representation than the one called `name`."""
    rows: Any = Meaning.select(Meaning.key).where(Meaning.representation != name).tuples()
    return {str(key) for (key,) in rows}


def _unmeant(comments: Mapping[str, str]) -> set[str]:
    """The newest of `comments` of which no vector is kept: their language was not known when they came."""
    kept: Any = Meaning.select(Meaning.key).where(Meaning.vector.is_null(False)).tuples()
    known = {key for (key,) in kept}
    missing = (id_ for id_ in reversed(list(comments)) if int(id_) not in known)
    return set(itertools.islice(missing, MOST_KEPT))


def _of_several(moved: Sequence[str], comments: Mapping[str, str]) -> list[str]:
    """The newest comments that make several statements, and so may be in several topics."""
    from feedback.analysis import cleaning

    found: list[str] = []
    for id_ in reversed(moved):
        if len(cleaning.statements(cleaning.strip(comments[id_]))) > 1:
            found.append(id_)
            if len(found) == MOST_SEVERAL:
                break
    return found


def _subjects(
    part: Sequence[str],
    comments: Mapping[str, str],
    state: "State",
    several: set[str],
    known: "Known",
) -> list[list["Subject"]]:
    """The topics of some comments: first the one that the review chose, then the ones that a comment also speaks of."""
    from feedback.topics import arrivals

    main = arrivals.described([(str(state.places[id_].topic), comments[id_]) for id_ in part], known)
    more = [id_ for id_ in part if id_ in several]
    besides = dict(zip(more, arrivals.subjects([comments[id_] for id_ in more], known), strict=True))
    found = []
    for id_, first in zip(part, main, strict=True):
        others = besides.get(id_, [])
        first = next((other for other in others if other.topic == first.topic), first)
        found.append([first, *(other for other in others if other.topic != first.topic)])
    return found


def _write(
    part: Sequence[str],
    comments: Mapping[str, str],
    subjects: Sequence[Sequence["Subject"]],
    now: datetime,
) -> None:
    """Put comments into their topics. Comments that are gone, that changed meanwhile, or that a person placed stay
    as they are.
    """
    from feedback.topics import arrivals

    keys = [int(id_) for id_ in part]
    open_keys = _unchanged(part, comments, hold=True) - {
        row[0] for row in _by_person(keys=db.listed(keys)).fetchall()
    }
    merged = arrivals.merged_now()
    rows = [
        row
        for key, found in zip(keys, subjects, strict=True)
        if key in open_keys
        for row in arrivals.rows_for(key, found, merged)
    ]
    if rows:
        _take_out(keys=db.listed(sorted(open_keys)))
        _put_in.many(rows)
        responses.touch_all(sorted(open_keys), now)


def _unchanged(part: Sequence[str], comments: Mapping[str, str], hold: bool = False) -> set[int]:
    """The keys of the responses in `part` whose comments are as they were gathered. `hold`: they stay so until
    the transaction ends.
    """
    read = _read_and_hold if hold else _read
    found = read(keys=db.listed([int(id_) for id_ in part])).fetchall()
    return {key for key, comment in found if comment == comments[str(key)]}


# Put together once: with 500 rows each, the query builder took most of the time of writing.
_put_in = db.Insert(Placement)
_take_out = db.Prepared(lambda: Placement.delete().where(db.is_among(Placement.response, "keys")))
_by_person = db.Prepared(
    lambda: Meaning.select(Meaning.key).where(db.is_among(Meaning.key, "keys"), Meaning.by_person)
)
_read = db.Prepared(
    lambda: Response.select(Response.key, Response.comment).where(db.is_among(Response.key, "keys"))
)


def _build_read_and_hold() -> Any:
    read = Response.select(Response.key, Response.comment).where(db.is_among(Response.key, "keys"))
    # In one order, so that two never wait for each other.
    return read if db.on_sqlite() else read.order_by(Response.key).for_update()


_read_and_hold = db.Prepared(_build_read_and_hold)


def _lives(row: TopicReview, now: datetime) -> bool:
    patience = {WAITING: FORGOTTEN, RUNNING: SILENCE}.get(row.state)
    return patience is not None and now - (row.beat_at or row.asked_at) < patience


@contextmanager
def _beating(row: TopicReview) -> Iterator[None]:
    """Say now and then that the review lives: a step may take minutes."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(BEAT):
            try:
                _note(row)
            except Exception as error:
                log.warning("review cannot say that it lives", review=row.id, error=type(error).__name__)
        db.forget_connection()

    beating = threading.Thread(target=beat, daemon=True)
    beating.start()
    try:
        yield
    finally:
        ended.set()
        beating.join()


def _note(row: TopicReview, **values: Any) -> None:
    update = TopicReview.update(beat_at=clock.now(), **values)
    db.write(update.where(TopicReview.id == row.id).execute)
