"""A review that its process does not survive."""

import time
from datetime import timedelta

import pytest
import time_machine

from feedback.models import TopicReview
from feedback.topics import reviews
from surveys.base import clock as clocks
from surveys.base import worker


@pytest.fixture
def clock():
    with time_machine.travel(clocks.now(), tick=False) as traveller:
        yield traveller


@pytest.fixture
def dying(monkeypatch):
    """A worker whose processes beside it end as soon as they have begun."""

    def beside(verb, name=""):
        TopicReview.update(state=reviews.RUNNING, step="gathering", beat_at=clocks.now()).execute()
        return True

    monkeypatch.setattr(worker, "beside", beside)


def wait(world, clock, minutes):
    for _ in range(minutes):
        clock.shift(timedelta(minutes=1))
        world.work()


def test_a_review_whose_worker_was_stopped_is_begun_anew(world, clock, dying, monkeypatch):
    row, _ = reviews.ask(clocks.now())
    world.work()
    assert reviews.latest().state == reviews.RUNNING
    assert reviews.ask(clocks.now()) == (row, False)
    monkeypatch.undo()
    wait(world, clock, 3)
    assert (reviews.latest().id, reviews.latest().state) == (row.id, reviews.DONE)


def test_a_review_that_dies_again_and_again_is_given_up(world, clock, dying):
    reviews.ask(clocks.now())
    world.work()
    wait(world, clock, 15)
    assert reviews.latest().state == reviews.FAILED
    assert reviews.ask(clocks.now())[1] is True


def test_a_review_that_says_that_it_lives_is_left_alone(world, clock, dying):
    reviews.ask(clocks.now())
    world.work()
    for _ in range(5):
        clock.shift(timedelta(minutes=1))
        TopicReview.update(beat_at=clocks.now()).execute()
        world.work()
    assert reviews.latest().state == reviews.RUNNING


def test_a_long_step_says_that_it_lives(world, monkeypatch):
    monkeypatch.setattr(reviews, "BEAT", 0.01)
    row, _ = reviews.ask(clocks.now())

    def tell(step, share):
        if step == "grouping":
            begun = TopicReview.get_by_id(row.id).beat_at
            for _ in range(500):
                if TopicReview.get_by_id(row.id).beat_at > begun:
                    return
                time.sleep(0.01)
            raise AssertionError("no beat")

    reviews.run(row, tell)
    assert reviews.latest().state == reviews.DONE


@pytest.mark.parametrize(("comment", "found"), [("Zzyzxtelefon {}", 12), ("Αργή παράδοση {}", 0)])
def test_comments_that_no_worker_has_read_yet_say_their_language(world, make, comment, found):
    survey = make.survey(languages=["sv"])
    for at in range(12):
        make.response(survey, 3, comment=comment.format(at))
    row, _ = reviews.ask(clocks.now())
    reviews.run(row)
    assert reviews.latest().comments == found


def test_a_service_whose_comments_make_no_topic_yet_has_reviews_that_end_well(world, make):
    survey = make.survey(languages=["en", "de", "fr"])
    for comments in ([], ["Late"], ["Die Farbe blättert ab"], ["Serveur très aimable", "👍", "n/a"]):
        for comment in comments:
            make.response(survey, 3, comment=comment)
        world.work()
        row, _ = reviews.ask(clocks.now())
        reviews.run(row)
        assert reviews.latest().state == reviews.DONE
