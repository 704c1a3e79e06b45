"""What becomes of topics: merged ones are found by their old ids, parts are taken from them alone, names are kept."""

import uuid

import pytest

from feedback.domain.topics import Change, Kind, State
from feedback.models import Placement, Topic, TopicChange
from feedback.topics import topics
from surveys import responses
from surveys.base import clock, db


@pytest.fixture
def survey(make):
    return make.survey()


@pytest.fixture
def chain(make, survey):
    """Five topics that the engine found, a comment in each; each went into the next, as the rows say."""

    def made():
        rows = {}
        for at, id_ in reversed(list(enumerate("abcde"))):
            into = "abcde"[at + 1] if id_ != "e" else None
            Topic.insert(id=id_, label=f"Topic {id_}", merged_into=into, created_at=clock.now()).execute()
            rows[id_] = make.response(survey, at, comment=f"about {id_}")
            Placement.insert(topic="e", response=rows[id_].key, evidence=[]).execute()
        return rows

    return db.write(made)


def teach(api, label):
    return api.post("/api/topics", {"label": label})["id"]


def place(api, row, *topic_ids):
    api.patch(f"/api/responses/{row.id}", {"topics": list(topic_ids)})


def seen(api, survey, topic):
    """How many answers the feed, its saved views, what is changed and the numbers have of a topic."""
    view = api.post("/api/feeds", {"name": "x", "filters": {"topic": topic}})["token"]
    followed = api.get("/api/feed", topic=topic, order="changed")["items"]
    return (
        len(api.get("/api/feed", topic=topic)["items"]),
        sum("comment" in item for item in followed),
        len(api.world.client.get(f"/feed/{view}.json").get_json()["items"]),
        api.get("/api/metrics", topic=topic, survey=survey.id)["n"],
    )


def test_an_old_id_leads_through_any_number_of_merges(api, survey, chain):
    for id_ in chain:
        assert seen(api, survey, id_) == (5, 5, 5, 5)


def test_ids_that_lead_in_a_circle_lead_nowhere_and_stop_nothing(api, survey, chain):
    Topic.update(merged_into="a").where(Topic.id == "e").execute()
    Placement.delete().execute()
    assert seen(api, survey, "c") == (0, 0, 0, 0)
    Topic.update(merged_into="c").where(Topic.id == "c").execute()
    assert seen(api, survey, "a") == (0, 0, 0, 0)
    assert api.get("/api/topics/a")["merged_into"]


def test_a_merged_topic_always_names_the_one_that_stands(api):
    """Also where a review merges what another was merged into before, and two in a row."""

    def made():
        for id_ in "abcd":
            Topic.insert(id=id_, label=f"Topic {id_}", created_at=clock.now()).execute()

    db.write(made)
    api.post("/api/topics/a/merge", {"into": "b"}, 200)

    def review():
        before = topics.state()
        lines = (Change(Kind.MERGED, "b", clock.now(), "c"), Change(Kind.MERGED, "c", clock.now(), "d"))
        left = {"d": before.topics["d"]}
        topics.keep(
            before,
            State(left, {}, {**before.merged, "b": "c", "c": "d"}, (*before.lineage, *lines)),
            clock.now(),
        )

    db.write(review)
    shown = {id_: api.get(f"/api/topics/{id_}")["merged_into"] for id_ in "abcd"}
    assert shown == {"a": "d", "b": "d", "c": "d", "d": None}


def test_a_part_is_made_of_the_topics_own_comments_alone(api, make, survey):
    parking, food = teach(api, "Parking"), teach(api, "Food")
    here, there, nowhere = (make.response(survey, 3, comment=f"comment {at}") for at in range(3))
    place(api, here, parking)
    place(api, there, food)
    unknown = str(uuid.uuid4())
    body = {"label": "Car park", "responses": [here.id, there.id, nowhere.id, unknown]}
    error = api.post(f"/api/topics/{parking}/split", body, 422)["error"]
    (message,) = error["fields"]["responses"]
    assert list(error["fields"]) == ["responses"]
    assert [id_ for id_ in body["responses"] if id_ in message] == [there.id, nowhere.id, unknown]
    # Nothing was moved, nothing made.
    assert {row.label for row in Topic.select()} == {"Parking", "Food"}
    assert [each["id"] for each in api.get(f"/api/responses/{there.id}")["topics"]] == [food]
    # In both topics: leaves one, stays in the other. Told twice, in two spellings: is one.
    place(api, there, food, parking)
    body["responses"] = [here.id, there.id, there.id.upper()]
    made = api.post(f"/api/topics/{parking}/split", body)
    assert made["size"] == 2
    assert {each["id"] for each in api.get(f"/api/responses/{there.id}")["topics"]} == {made["id"], food}


def lines(api, topic):
    names = ("kind", "label", "other_label", "former_label")
    return [tuple(each[name] for name in names) for each in api.get(f"/api/topics/{topic}")["lineage"]]


def test_the_lineage_keeps_the_names_of_its_time(api, make, survey):
    parking, food = teach(api, "Parking"), teach(api, "Food")
    row = make.response(survey, 3, comment="no room for my car")
    place(api, row, parking)
    api.patch(f"/api/topics/{parking}", {"label": "Car park"})
    made = api.post(f"/api/topics/{parking}/split", {"label": "Garage", "responses": [row.id]})["id"]
    api.patch(f"/api/topics/{parking}", {"label": "Cars"})
    api.patch(f"/api/topics/{made}", {"label": "Underground"})
    api.post(f"/api/topics/{made}/merge", {"into": food}, 200)
    api.patch(f"/api/topics/{food}", {"label": "All"})
    assert lines(api, parking) == [
        ("taught", "Parking", None, None),
        ("taught", "Food", None, None),
        ("renamed", "Car park", None, "Parking"),
        ("split", "Car park", "Garage", None),
        ("renamed", "Cars", None, "Car park"),
        ("renamed", "Underground", None, "Garage"),
        ("merged", "Underground", "Food", None),
        ("renamed", "All", None, "Food"),
    ]


def test_names_go_from_the_lineage_with_the_words_that_nobody_says_any_more(api, make, survey, world):
    """But for those that a person chose."""
    row = make.response(survey, 3, comment="zyzzx gate broken")
    other = make.response(survey, 3, comment="the gate")
    db.write(
        lambda: Topic.insert(
            id="a", label="Zyzzx gate", terms=["zyzzx gate"], created_at=clock.now()
        ).execute()
    )
    TopicChange.insert(kind="found", topic="a", at=clock.now(), label="Zyzzx gate").execute()
    place(api, row, "a")
    place(api, other, "a")
    api.patch("/api/topics/a", {"label": "Xylograph"})
    api.patch("/api/topics/a", {"label": "Doors"})
    assert lines(api, "a")[1] == ("renamed", "Xylograph", None, "Zyzzx gate")
    responses.delete(row, clock.now())
    world.work()
    assert lines(api, "a") == [
        ("found", None, None, None),
        ("renamed", "Xylograph", None, None),
        ("renamed", "Doors", None, "Xylograph"),
    ]
    assert "zyzzx" not in repr([each.__data__ for each in TopicChange.select()]).lower()
