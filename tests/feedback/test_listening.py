"""Reading comments in the worker: what takes too long keeps nobody waiting, and is tried once more."""

import threading
import time
from datetime import timedelta

import pytest

from feedback import listening
from feedback.models import Reading
from surveys.base import clock, jobs
from surveys.base.jobs import Job


@pytest.fixture
def row(make, world):
    """A response whose comment nobody has read."""
    return make.response(make.survey(), 2, comment="The delivery was terribly slow.")


@pytest.fixture
def reading(monkeypatch):
    """Makes the engine do something first; the engine itself is loaded, and is given very little time."""
    listening._warm_up()
    read = listening._read
    before = []
    monkeypatch.setattr(listening, "PATIENCE", 0.3)

    def slowly(row, comment):
        for act in before:
            act()
        return read(row, comment)

    monkeypatch.setattr(listening, "_read", slowly)
    return before


def busy():
    """Use up what there is."""
    end = time.process_time() + 30
    while time.process_time() < end:
        pass


def run(at):
    """Be the worker at a moment."""
    while jobs.run_due(lambda: at):
        pass


def waiting():
    """When it is to be read again, and how often that is written down."""
    return [
        job.due_at for job in Job.select().where((Job.kind == listening.READ_AGAIN) & (Job.state == jobs.NEW))
    ]


def test_a_short_comment_is_read_however_little_of_the_machine_there_is(row, reading):
    """By the clock it takes long; the processor has hardly worked for it."""
    reading.append(lambda: threading.Event().wait(0.6))
    run(clock.now())
    assert Reading.get().label == "negative"
    assert waiting() == []


def test_a_comment_that_took_too_long_is_read_once_more_an_hour_later(row, reading):
    now = clock.now()
    reading.append(busy)
    run(now)
    assert Reading.get().label is None
    assert waiting() == [now + timedelta(hours=1)]
    reading.clear()
    run(now + timedelta(minutes=59))
    assert Reading.get().label is None
    run(now + timedelta(minutes=61))
    assert Reading.get().label == "negative"
    assert waiting() == []


def test_after_that_it_is_left_alone(row, reading):
    now = clock.now()
    reading.append(busy)
    run(now)
    run(now + timedelta(hours=2))
    assert Reading.get().label is None
    assert (waiting(), jobs.backlog(now)) == ([], {})


def test_what_cannot_be_read_at_all_is_not_tried_again(row, reading):
    def fail():
        raise RecursionError

    reading.append(fail)
    run(clock.now())
    assert Reading.get().label is None
    assert waiting() == []


def test_a_job_that_is_stopped_says_nothing_of_its_comment(row, reading, monkeypatch):
    """The limit of the job ran out, not that of the comment."""
    monkeypatch.setattr(jobs, "HOUSE_SECONDS", 0.2)
    reading.append(lambda: threading.Event().wait(30))
    now = clock.now()
    run(now)
    assert Reading.select().count() == 0
    assert [job.error for job in Job.select().where(Job.state == jobs.FAILED)] == ["TooSlow"]
    reading.clear()
    run(now + timedelta(seconds=10))
    assert Reading.get().label == "negative"


def test_after_an_upgrade_comments_are_read_that_no_engine_read_before(make):
    """In whatever language; what was read, or labelled by a person, keeps what was said of it."""
    survey = make.survey(languages=["en", "ko"])
    left, read, said = (
        make.response(survey, 9, comment=text, language="ko")
        for text in ("아주 좋아요", "정말 좋아요", "좋아요")
    )
    run(clock.now())
    engine = {Reading.engine: "words and lexicons 0"}
    Reading.update({**engine, Reading.label: None}).where(Reading.key == left.key).execute()
    Reading.update({**engine, Reading.label: "negative"}).where(Reading.key == read.key).execute()
    person = {**engine, Reading.label: "neutral", Reading.by_person: True}
    Reading.update(person).where(Reading.key == said.key).execute()
    for _ in range(2):
        listening.read_left(clock.now())
        run(clock.now())
    labels = [Reading.get_by_id(each.key).label for each in (left, read, said)]
    assert labels == ["positive", "negative", "neutral"]
    assert Job.select().where(Job.kind == listening.READ_AGAIN).count() == 1
