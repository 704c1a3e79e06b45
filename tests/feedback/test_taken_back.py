"""Words that are taken back, by erasing an answer or changing its comment, are gone from all that listening made."""

import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from playhouse.test_utils import count_queries

from feedback import listening, vectors
from feedback.analysis.topics import matters, representations
from feedback.models import Meaning, Placement, Reading, Topic, TopicReview
from feedback.topics import arrivals, reviews
from feedback.topics import topics as store
from surveys import responses
from surveys.base import clock, db, jobs
from surveys.keeping import erasure
from surveys.models import Person, Response
from tests.conftest import ON_POSTGRES, POSTGRES_IN_PROVE
from tests.feedback.comments import world as comments

#: SQLite has one writer at a time.


@pytest.fixture
def survey(make):
    return make.survey()


@pytest.fixture
def said(make, survey, world):
    """The small world as responses that nobody has read yet, sixteen of them about a gate."""
    texts = [*comments().values(), *(f"the zyzzx gate is broken {at}" for at in range(16))]
    rows = db.write(lambda: [make.response(survey, 9, comment=text) for text in texts])
    db.write(jobs.Job.delete().execute)
    return rows


@pytest.fixture
def reviewed(said):
    review()
    return said


@pytest.fixture
def take_back(make, survey, world):
    """Erase a response, or give it another comment ("": none), and have done what follows from it."""

    def taken(row, how, comment=""):
        if how == "erased":
            responses.delete(row, clock.now())
        else:
            make.response(survey, 9, id=row.id, revision=2, comment=comment)
        world.work()

    return taken


def review(tell=lambda step, share: None):
    reviews.run(reviews.ask(clock.now())[0], tell)


def once(step, verb):
    """A `tell` that does something when a review first comes to a step."""
    left = [verb]

    def tell(now, share):
        if now == step and left:
            left.pop()()

    return tell


def voters():
    return {row.key for row in Meaning.select().where(Meaning.blurred.is_null(False))}


def gates(said):
    return [row for row in said if "zyzzx" in row.comment]


def packed(comment):
    return vectors.packed(representations.current().encode([comment])[0])


def holds(vector):
    """Whether a comment of this vector is in the memory of the process."""
    rows = arrivals.known().index.rows
    return bool(len(rows)) and bool(np.max(rows @ vector) > 0.999)


@pytest.mark.parametrize("how", ["erased", "emptied"])
@pytest.mark.parametrize("step", ["reading", "indexing", "writing"])
def test_a_comment_taken_back_during_a_review_stays_away(said, take_back, monkeypatch, step, how):
    monkeypatch.setattr(store, "AT_ONCE", 20)
    rows = random.Random(7).sample(said, 12)
    review(once(step, lambda: [take_back(row, how) for row in rows]))
    keys = [row.key for row in rows]
    assert not Meaning.select().where(Meaning.key.in_(keys)).exists()
    assert not Placement.select().where(Placement.response.in_(keys)).exists()
    assert len(voters()) > 100


def test_a_comment_changed_during_a_review_is_placed_by_its_new_words(said, take_back):
    row = said[0]
    new = "the soup was cold and the breakfast too"
    review(once("reading", lambda: take_back(row, "changed", new)))
    assert Meaning.get_by_id(row.key).vector == packed(new)
    placed = Placement.select().where(Placement.response == row.key)
    assert all(phrase in new for each in placed for phrase in each.evidence)


@pytest.mark.parametrize("by_person", [False, True])
def test_a_review_forgets_what_was_left_of_comments_that_are_gone(reviewed, by_person):
    empty, gone = (row.key for row in reviewed[:2])
    Meaning.update(by_person=by_person).where(Meaning.key == empty).execute()
    Response.update(comment=None).where(Response.key == empty).execute()
    Response.delete().where(Response.key == gone).execute()
    review()
    left = Meaning.get_or_none(Meaning.key == empty)
    assert (left is not None) == by_person
    assert left is None or (left.vector, left.blurred) == (None, None)
    assert not any(row.evidence for row in Placement.select().where(Placement.response == empty))
    assert not Meaning.select().where(Meaning.key == gone).exists()


def test_evidence_goes_with_its_comment_also_where_no_vector_is_kept(reviewed, take_back):
    row = reviewed[0]
    Meaning.delete().where(Meaning.key == row.key).execute()
    assert any(each.evidence for each in Placement.select().where(Placement.response == row.key))
    take_back(row, "emptied")
    assert not Placement.select().where(Placement.response == row.key).exists()


def test_a_comment_changed_while_it_is_placed_is_not_placed_by_its_old_words(reviewed, make, survey):
    row = make.response(survey, 3, comment="the car park was full again")
    arrived = arrivals.arrived(row.key)
    make.response(survey, 3, id=row.id, revision=2, comment="")
    arrivals.place(arrived, arrivals.known(arrived.mark), clock.now())
    assert not Meaning.select().where(Meaning.key == row.key).exists()
    assert not Placement.select().where(Placement.response == row.key).exists()


def test_a_comment_changed_while_it_is_read_is_not_kept_as_it_was(make, survey, world, monkeypatch):
    row = make.response(survey, 3, comment="the car park was full again")
    read = listening._read

    def slowly(stored, comment):
        values = read(stored, comment)
        make.response(survey, 3, id=row.id, revision=2, comment="")
        return values

    monkeypatch.setattr(listening, "_read", slowly)
    listening.read_comment({"key": row.key}, clock.now())
    assert Reading.get_or_none(Reading.key == row.key) is None


@ON_POSTGRES
def test_what_is_written_about_an_answer_while_it_is_erased_goes_with_it(make, survey, world):
    row = make.response(survey, 3, comment="the car park was full", person={"email": "ann@example.com"})
    person = Person.get_by_id(Response.get_by_id(row.key).person_id)
    waiting = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted"

    def erase():
        try:
            erasure.erase([person], clock.now())
        finally:
            db.forget_connection()

    with db.connect(world.settings.database_url) as other, ThreadPoolExecutor(1) as pool:
        other.execute("BEGIN")
        other.execute("SELECT key FROM response WHERE key = %s FOR UPDATE", (row.key,))
        other.execute("INSERT INTO meaning (key, vector, by_person) VALUES (%s, 'x', false)", (row.key,))
        erased = pool.submit(erase)
        while not db.database.execute_sql(waiting).fetchone()[0] and not erased.done():
            pass
        other.execute("COMMIT")
        erased.result()
    assert not Response.select().where(Response.key == row.key).exists()
    assert not Meaning.select().where(Meaning.key == row.key).exists()


@POSTGRES_IN_PROVE
@pytest.mark.parametrize("how", ["erased", "emptied"])
@pytest.mark.parametrize("step", ["naming", "writing"])
def test_words_taken_back_during_a_review_name_no_topic(said, take_back, step, how):
    review(once(step, lambda: [take_back(row, how) for row in gates(said)]))
    topics = list(Topic.select().dicts())
    assert "zyzzx" not in str(topics).lower()
    # The name of a matter, such as "Gate staff", is out of the list of matters and nobody's words.
    assert not any("gate" in matters.own_words(topic["label"]).lower() for topic in topics)
    assert not any("gate" in str(topic["terms"]).lower() for topic in topics)


@POSTGRES_IN_PROVE
@pytest.mark.parametrize("anew", [False, True])
def test_names_that_a_review_left_when_it_died_are_forgotten_by_the_next_try(
    said, take_back, monkeypatch, anew
):
    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(reviews, "_forget_words", die)
        with pytest.raises(KeyboardInterrupt):
            review(once("naming", lambda: [take_back(row, "erased") for row in gates(said)]))
    assert "zyzzx" in str(list(Topic.select().dicts())).lower()
    if anew:
        TopicReview.update(state=reviews.WAITING).execute()
        reviews.run(reviews.latest())
    else:
        TopicReview.update(state=reviews.FAILED).execute()
        review()
    assert "zyzzx" not in str(list(Topic.select().dicts())).lower()


@POSTGRES_IN_PROVE
@pytest.mark.parametrize("how", ["erased", "emptied", "changed"])
def test_a_comment_taken_back_votes_no_more(reviewed, take_back, how):
    arrivals.known()
    row = gates(reviewed)[0]
    (vector,) = vectors.unpacked([Meaning.get_by_id(row.key).vector])
    assert holds(vector)
    # All say the same, so all have to go.
    for gate in gates(reviewed):
        take_back(gate, how, "the soup was cold")
    assert not holds(vector)
    assert len(arrivals.known().index.rows) == len(voters()) > 100


def test_an_erasure_is_known_before_its_job_has_run(reviewed):
    count = len(arrivals.known().index.rows)
    responses.delete(reviewed[0], clock.now())
    assert len(arrivals.known().index.rows) == count - 1


def test_an_erasure_of_a_comment_that_votes_on_nothing_reads_nothing_again(reviewed, make, survey):
    row = make.response(survey, 3, comment="quantum chromodynamics lattice")
    index = arrivals.known().index
    responses.delete(row, clock.now())
    assert arrivals.known().index is index
    responses.delete(reviewed[0], clock.now())
    assert arrivals.known().index is not index


def test_a_comment_that_taught_its_topic_teaches_no_more_once_erased(reviewed, api, make, survey, world):
    topic = api.post("/api/topics", {"label": "Thoroughbred horses", "examples": []}, 201)["id"]
    row = make.response(survey, 3, comment="the soup was cold again")
    world.work()
    untaught = arrivals.known().index.taught[topic]
    api.patch(f"/api/responses/{row.id}", {"topics": [topic]})
    assert not np.array_equal(arrivals.known().index.taught[topic], untaught)
    responses.delete(row, clock.now())
    assert np.array_equal(arrivals.known().index.taught[topic], untaught)


@ON_POSTGRES
def test_an_erasure_is_known_that_was_begun_first_and_committed_last(reviewed, world):
    count = len(arrivals.known().index.rows)
    first, second = reviewed[:2]
    with db.connect(world.settings.database_url) as other:
        other.execute("BEGIN")
        tick = other.execute(f"SELECT {db.POSTGRES_TICK}").fetchone()[0]
        responses.delete(second, clock.now())
        assert len(arrivals.known().index.rows) == count - 1
        other.execute("DELETE FROM placement WHERE response_key = %s", (first.key,))
        other.execute("DELETE FROM meaning WHERE key = %s", (first.key,))
        other.execute(
            "INSERT INTO erased (id, key, survey_id, changed_tick, version, erased_at) "
            "VALUES (%s, %s, %s, %s, 2, now())",
            (first.id, first.key, first.survey_id, tick),
        )
        other.execute("COMMIT")
    assert len(arrivals.known().index.rows) == count - 2


def test_words_that_were_forgotten_mark_no_topic(reviewed, take_back):
    topic = Placement.get(Placement.response == gates(reviewed)[0].key).topic_id
    assert "zyzzx" in str(arrivals.known().marks.of(topic))
    for row in gates(reviewed):
        take_back(row, "erased")
    assert "zyzzx" not in str(arrivals.known().marks.of(topic))


def test_placing_takes_six_statements_whatever_was_erased(reviewed, take_back, make, survey):
    take_back(reviewed[0], "erased")
    rows = [make.response(survey, 3, comment="the car park was full again") for _ in range(2)]
    listening.place_comment({"key": rows[0].key}, clock.now())
    with count_queries() as counted:
        listening.place_comment({"key": rows[1].key}, clock.now())
    assert counted.count <= 6


def test_what_placing_has_to_know_is_found_in_indexes(reviewed, world):
    sql, slots = arrivals._look.made()
    values = [each if isinstance(each, str | int) else 0 for each in slots]
    explain = "EXPLAIN QUERY PLAN" if world.kind == "sqlite" else "EXPLAIN"
    if world.kind == "postgresql":
        db.database.execute_sql(
            "SET enable_seqscan = off"
        )  # tables as small as these are read from end to end
    plan = db.database.execute_sql(f"{explain} {sql}", values).fetchall()
    steps = [str(step[-1]) for step in plan]
    assert any("erased_changed_tick_key" in step for step in steps)
    # Of reviews there is one a night.
    assert [step for step in steps if ("SCAN" in step or "Seq Scan" in step) and "review" not in step] == []
