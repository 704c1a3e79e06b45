"""Vectors of two representations never meet: what was kept of one counts as absent under another."""

import pytest

from feedback.analysis.topics import representations
from feedback.models import Meaning, Placement, Topic, TopicReview
from feedback.topics import reviews
from surveys.base import clock, db
from tests.conftest import POSTGRES_IN_PROVE
from tests.feedback.comments import SUBJECT
from tests.feedback.comments import world as comments


@pytest.fixture
def survey(make):
    return make.survey()


@pytest.fixture
def said(representation, make, survey, world):
    """The small world as responses, placed and reviewed with the shipped vectors; keys by id there."""
    keys = db.write(
        lambda: {id_: make.response(survey, 9, comment=text).key for id_, text in comments().items()}
    )
    world.work()
    review(world)
    return keys


def review(world):
    reviews.ask(clock.now())
    world.work()
    assert reviews.latest().state == reviews.DONE


def made_by():
    return {row.representation for row in Meaning.select()}


def topics_of(api, row):
    return [each["id"] for each in api.get(f"/api/responses/{row.id}")["topics"]]


def subject_topic(said, subject):
    keys = [key for id_, key in said.items() if SUBJECT[id_] == subject]
    found = [row.topic_id for row in Placement.select().where(Placement.response.in_(keys), Placement.main)]
    return max(sorted(set(found)), key=found.count)


def test_each_vector_names_what_made_it(said):
    assert made_by() == {representations.current().name}
    assert reviews.latest().representation == representations.current().name


@POSTGRES_IN_PROVE
def test_after_a_change_new_comments_wait_and_nothing_else_moves(
    said, representation, api, make, survey, world
):
    before = sorted(Placement.select(Placement.topic, Placement.response).tuples())
    representation.install()
    row = make.response(survey, 3, comment="the car park was full today, sadly")
    world.work()
    assert topics_of(api, row) == []
    assert api.get("/api/feed", like=row.id)["items"] == []
    assert sorted(Placement.select(Placement.topic, Placement.response).tuples()) == before


@POSTGRES_IN_PROVE
@pytest.mark.parametrize("there_and_back", [False, True])
def test_the_next_review_reads_all_anew_and_topics_stay(
    said, representation, api, make, survey, world, there_and_back
):
    parking, known = subject_topic(said, "parking"), {topic.id for topic in Topic.select()}
    representation.install()
    review(world)
    assert made_by() == {"all-MiniLM-L6-v2"}
    if there_and_back:
        representation.remove()
        review(world)
    assert made_by() == {representations.current().name}
    assert known <= {topic.id for topic in Topic.select()}
    row = make.response(survey, 3, comment="the car park was full once more")
    world.work()
    assert topics_of(api, row) == [parking]
    near = api.get("/api/feed", like=row.id, limit=5)["items"]
    assert len(near) == 5
    assert all("park" in item["comment"] for item in near)


@POSTGRES_IN_PROVE
def test_what_people_taught_is_known_in_the_other_representation_too(
    said, representation, api, make, survey, world
):
    taught = {"label": "Soup", "examples": ["the soup was cold", "cold soup"]}
    topic = api.post("/api/topics", taught, 201)["id"]
    representation.install()
    row = make.response(survey, 3, comment="the soup was cold")
    world.work()
    assert topics_of(api, row) == [topic]


@POSTGRES_IN_PROVE
def test_the_night_reads_all_anew_after_a_change(said, representation):
    count = TopicReview.select().count()
    reviews.nightly(clock.now())
    assert TopicReview.select().count() == count
    representation.install()
    reviews.nightly(clock.now())
    assert TopicReview.select().count() == count + 1


@POSTGRES_IN_PROVE
def test_after_an_upgrade_all_are_read_anew_within_the_hour_and_once(said, representation, world):
    """Comments whose language was not known until then have no vector; they get one."""
    unknown = Meaning.select(Meaning.key).order_by(Meaning.key.desc()).limit(3)
    keys = [row.key for row in unknown]
    Meaning.delete().where(Meaning.key.in_(keys)).execute()
    TopicReview.update(representation="an older one").execute()
    reviews.renew(clock.now())
    reviews.renew(clock.now())
    assert TopicReview.select().where(TopicReview.state == reviews.WAITING).count() == 1
    world.work()
    assert reviews.latest().state == reviews.DONE
    assert Meaning.select().where(Meaning.key.in_(keys), Meaning.vector.is_null(False)).count() == 3
    count = TopicReview.select().count()
    reviews.renew(clock.now())
    assert TopicReview.select().count() == count
