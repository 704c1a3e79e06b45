"""Topics over the API: found, taught, renamed, merged, split, moved; placed on arrival, kept by every review."""

import uuid
from datetime import timedelta
from types import SimpleNamespace

import pytest
from playhouse.test_utils import count_queries

from feedback import feed
from feedback.models import Meaning, Placement, Theme, Topic, TopicReview
from feedback.topics import arrivals, reports, reviews
from feedback.topics import topics as store
from surveys import responses
from surveys.base import clock, db, jobs
from surveys.models import Response
from tests.conftest import ON_SQLITE, POSTGRES_IN_PROVE
from tests.feedback.comments import SUBJECT
from tests.feedback.comments import world as comments


@pytest.fixture
def survey(make):
    return make.survey()


@pytest.fixture
def said(make, survey, world):
    """The world of six subjects as responses, reviewed; the key of each by its id there."""

    def recorded():
        return {
            id_: make.response(survey, 2 if SUBJECT[id_] == "parking" else 9, comment=text).key
            for id_, text in comments().items()
        }

    keys = db.write(recorded)
    db.write(jobs.Job.delete().execute)
    reviews.ask(clock.now())
    world.work()
    return keys


def topic_of(said, subject):
    """The id of the topic that most comments about a subject are in."""
    keys = [key for id_, key in said.items() if SUBJECT[id_] == subject]
    found = [row.topic_id for row in Placement.select().where(Placement.response.in_(keys))]
    return max(sorted(set(found)), key=found.count)


def key_in(said, topic):
    return Placement.get(Placement.topic == topic).response_key


def test_a_review_finds_topics_and_shows_them(api, said):
    page = api.get("/api/topics", limit=3)
    assert (page["review"]["state"], page["review"]["share"], page["review"]["comments"]) == (
        "done",
        1.0,
        len(said),
    )
    assert page["comments"] == len(said)
    assert page["unplaced"]["share"] < 0.1
    assert (len(page["items"]), page["metric"]) == (3, "nps")
    sizes = [item["size"] for item in page["items"]]
    assert sizes == sorted(sizes, reverse=True)
    largest = page["items"][0]
    assert sum(week["n"] for week in largest["trend"]) == largest["size"]
    assert largest["share"] == largest["size"] / len(said)
    assert all(each["comment"] in comments().values() for each in largest["typical"])
    assert len(largest["typical"]) == 3
    rest = api.get("/api/topics", cursor=page["next"])["items"]
    labels = [item["label"] for item in page["items"] + rest]
    assert len({label.casefold() for label in labels}) == len(labels) == Topic.select().count()


def test_the_feed_says_which_phrases_put_a_comment_into_its_topic(api, said):
    topic = topic_of(said, "parking")
    items = api.get("/api/feed", topic=topic)["items"]
    assert len(items) >= 5
    for item in items:
        (found,) = [each for each in item["topics"] if each["id"] == topic]
        assert found["evidence"]
        assert all(phrase.lower() in item["comment"].lower() for phrase in found["evidence"])


def test_a_new_comment_is_placed_at_once(api, said, make, survey, world):
    row = make.response(survey, 3, comment="the car park was full again")
    world.work()
    (topic,) = api.get(f"/api/responses/{row.id}")["topics"]
    assert topic["id"] == topic_of(said, "parking")
    assert "car park" in " ".join(topic["evidence"])


def test_a_comment_unlike_all_others_waits(api, said, make, survey, world):
    before = api.get("/api/topics")["unplaced"]["n"]
    row = make.response(survey, 3, comment="quantum chromodynamics lattice")
    world.work()
    assert api.get(f"/api/responses/{row.id}")["topics"] == []
    assert api.get("/api/topics")["unplaced"]["n"] == before + 1


def test_amending_anything_but_the_comment_moves_nothing(said, survey, world, make):
    row = Response.get_by_id(key_in(said, topic_of(said, "food")))
    before = list(Placement.select().where(Placement.response == row.key).dicts())
    make.response(survey, 4, id=row.id, revision=2)
    world.work()
    assert list(Placement.select().where(Placement.response == row.key).dicts()) == before


def test_a_comment_taken_back_leaves_its_topic(said, survey, world, make):
    row = Response.get_by_id(key_in(said, topic_of(said, "food")))
    make.response(survey, 4, id=row.id, revision=2, comment="")
    world.work()
    assert not Placement.select().where(Placement.response == row.key).exists()
    assert Meaning.get_or_none(Meaning.key == row.key) is None


def test_a_name_that_a_person_gave_stands_after_a_review(api, said, world):
    topic = topic_of(said, "parking")
    patch = {
        "label": "No room for cars",
        "owner": "Maya",
        "status": "in_progress",
        "issue_url": "https://i.example/7",
    }
    assert {k: v for k, v in api.patch(f"/api/topics/{topic}", patch).items() if k in patch} == patch
    api.post("/api/topics/review", {}, 202)
    world.work()
    item = api.get(f"/api/topics/{topic}")
    assert {name: item[name] for name in patch} == patch
    assert item["lineage"][-1]["kind"] == "renamed"
    assert (
        api.call("GET", "/api/topics", 200, query_string={"status": "in_progress"})["items"][0]["id"] == topic
    )


def test_a_second_review_of_the_same_moves_nobody(api, said, world):
    before = sorted(Placement.select(Placement.topic, Placement.response, Placement.main).tuples())
    ids = sorted(row.id for row in Topic.select())
    api.post("/api/topics/review", {}, 202)
    world.work()
    assert api.get("/api/topics")["review"]["moved"] == 0
    assert sorted(Placement.select(Placement.topic, Placement.response, Placement.main).tuples()) == before
    assert sorted(row.id for row in Topic.select()) == ids


def test_a_merge_holds_now_and_after_a_review(api, said, world, make, survey):
    gone, kept = topic_of(said, "refund"), topic_of(said, "delivery")
    keys = {row.response_key for row in Placement.select().where(Placement.topic.in_([gone, kept]))}
    item = api.post(f"/api/topics/{gone}/merge", {"into": kept}, 200)
    assert (item["id"], item["size"]) == (kept, len(keys))
    assert api.get(f"/api/topics/{gone}")["merged_into"] == kept
    assert gone not in [each["id"] for each in api.get("/api/topics")["items"]]
    # Whoever kept the old id, in a saved view or a dashboard, sees what is in the one it went into.
    for path, of in (("/api/feed", "items"), ("/api/metrics", "n")):
        old, new = (api.get(path, topic=topic, survey=survey.id)[of] for topic in (gone, kept))
        assert old == new
        assert old
    row = make.response(survey, 3, comment="still waiting for my refund")
    api.post("/api/topics/review", {}, 202)
    world.work()
    assert api.get(f"/api/responses/{row.id}")["topics"][0]["id"] == kept
    assert {row.response_key for row in Placement.select().where(Placement.topic == kept)} >= keys
    assert ("merged", gone, kept) in [
        (each["kind"], each["topic"], each["other"]) for each in api.get(f"/api/topics/{kept}")["lineage"]
    ]


def test_what_was_split_off_stays_apart_and_draws_its_like(api, said, world, make, survey):
    topic = topic_of(said, "staff")
    rows = [each.response for each in Placement.select().where(Placement.topic == topic).limit(3)]
    body = {"label": "Kind hosts", "responses": [row.id for row in rows]}
    made = api.post(f"/api/topics/{topic}/split", body)
    assert (made["label"], made["size"], made["taught"]) == ("Kind hosts", 3, True)
    assert made["lineage"][-1]["other"] == made["id"]
    api.post("/api/topics/review", {}, 202)
    world.work()
    for row in rows:
        assert [each["id"] for each in api.get(f"/api/responses/{row.id}")["topics"]] == [made["id"]]


def test_a_topic_that_was_taught_is_recognised_at_once(api, said, world, make, survey):
    examples = [
        "the app crashes on start",
        "it keeps crashing",
        "app crashed on my phone",
        "crash after update",
        "crashes daily",
    ]
    made = api.post("/api/topics", {"label": "App crashes", "examples": examples})
    assert (made["size"], made["examples"]) == (0, examples)
    row = make.response(survey, 1, comment="your app crashed again after the update")
    world.work()
    assert [each["id"] for each in api.get(f"/api/responses/{row.id}")["topics"]] == [made["id"]]
    api.post("/api/topics/review", {}, 202)
    world.work()
    assert [each["id"] for each in api.get(f"/api/responses/{row.id}")["topics"]] == [made["id"]]
    assert api.get(f"/api/topics/{made['id']}")["label"] == "App crashes"


@pytest.mark.parametrize("chosen", [True, False], ids=["into another", "out of all"])
def test_where_a_person_puts_a_comment_it_stays(api, said, world, chosen):
    row = Response.get_by_id(key_in(said, topic_of(said, "food")))
    wanted = [topic_of(said, "parking")] if chosen else []
    api.patch(f"/api/responses/{row.id}", {"topics": wanted})
    api.post("/api/topics/review", {}, 202)
    world.work()
    assert [each["id"] for each in api.get(f"/api/responses/{row.id}")["topics"]] == wanted


def test_a_comment_may_praise_one_thing_and_curse_another(api, said, make, survey, world):
    row = make.response(
        survey,
        6,
        comment="The staff were so friendly and helpful. But the parking was terrible, awful and expensive.",
    )
    world.work()
    found = {each["id"]: each["sentiment"] for each in api.get(f"/api/responses/{row.id}")["topics"]}
    assert found == {topic_of(said, "staff"): "positive", topic_of(said, "parking"): "negative"}


@POSTGRES_IN_PROVE
@pytest.mark.parametrize(
    "poison", ["a" * 100_000, "😀" * 10_000, "\x01\x02\x03\u202e" * 500, "((((" * 20_000, "\n" * 9_000]
)
def test_a_poisonous_comment_stops_no_other(api, said, make, survey, world, poison):
    make.response(survey, 1, comment=poison)
    row = make.response(survey, 3, comment="parking was far too expensive")
    world.work()
    reviews.ask(clock.now())
    world.work()
    assert [each["id"] for each in api.get(f"/api/responses/{row.id}")["topics"]] == [
        topic_of(said, "parking")
    ]
    assert api.get("/api/topics")["review"]["state"] == "done"


def test_an_erased_comment_is_in_no_list_any_more(api, said, world, make, survey):
    row = make.response(survey, 3, comment="parking was far too expensive")
    world.work()
    topic = topic_of(said, "parking")
    size = api.get(f"/api/topics/{topic}")["size"]
    responses.delete(row, clock.now())
    world.work()
    item = api.get(f"/api/topics/{topic}")
    assert item["size"] == size - 1
    assert row.id not in [each["id"] for each in item["typical"]]
    assert Meaning.get_or_none(Meaning.key == row.key) is None


def test_words_that_nobody_says_any_more_name_no_topic(api, make, survey, world):
    rows = [make.response(survey, 3, comment=f"the zyzzx gate is broken {at}") for at in range(16)]
    db.write(lambda: [make.response(survey, 8, comment=text) for text in comments().values()])
    world.work()
    reviews.ask(clock.now())
    world.work()
    assert "zyzzx" in str(api.get("/api/topics")["items"]).lower()
    for row in rows:
        responses.delete(row, clock.now())
    world.work()
    assert "zyzzx" not in str(api.get("/api/topics")["items"]).lower()


def test_names_that_are_forgotten_leave_no_two_alike(api, make, survey):
    given = {"candidates": ["zyzzx"], "terms": ["zyzzx", "gate"], "created_at": clock.now()}
    for at, label in enumerate(("Zyzzx gate", "Zyzzx door", "Gate")):
        Topic.create(id=f"top_{at}", label=label, theme="thm_1", **given)
    Theme.create(id="thm_1", label="Zyzzx things", created_at=clock.now())
    Topic.create(id="top_gone", label="Zyzzx gone", merged_into="top_0", **given)
    make.response(survey, 3, comment="the gate")
    store.forget_words(feed.is_said, clock.now())
    assert [row.label for row in Topic.select().order_by(Topic.id)] == [
        "gate 2",
        "gate 3",
        "Gate",
        "gate 4",
    ]
    assert "zyzzx" not in str(list(Topic.select().dicts())).lower()
    assert Theme.get().label == "gate 2"
    responses.delete(Response.get(), clock.now())
    for _ in range(2):
        store.forget_words(feed.is_said, clock.now())
        labels = [row.label for row in Topic.select().where(Topic.merged_into.is_null()).order_by(Topic.id)]
        assert labels == ["Unnamed topic", "Unnamed topic 2", "Unnamed topic 3"]


def test_comments_that_arrive_during_a_review_are_placed(said, monkeypatch):
    monkeypatch.setattr(store, "AT_ONCE", 20)
    food, told = topic_of(said, "food"), []

    def tell(step, share):
        if step == "indexing":
            store.change(food, {"label": f"Meals {share}"}, clock.now())
            (found,) = arrivals.subjects(["the soup was cold again"], arrivals.known())
            told.append([subject.topic for subject in found])

    row, _ = reviews.ask(clock.now())
    reviews.run(row, tell)
    assert len(told) > 2
    assert told == [[food]] * len(told)
    voters = {each.key for each in Meaning.select().where(Meaning.blurred.is_null(False))}
    assert len(arrivals.known().index.rows) == len(voters) > 100


def test_where_a_person_puts_a_comment_teaches_at_once(api, make, survey, world):
    topic = api.post("/api/topics", {"label": "Thoroughbred horses", "examples": []})["id"]
    rows = [make.response(survey, 3, comment=f"the soup was cold {at}") for at in range(6)]
    world.work()
    arrivals.known()
    for row in rows:
        api.patch(f"/api/responses/{row.id}", {"topics": [topic]})
    late = make.response(survey, 3, comment="the soup was cold again")
    world.work()
    assert [each["id"] for each in api.get(f"/api/responses/{late.id}")["topics"]] == [topic]


def test_one_review_at_a_time_serves_all_who_ask(api, said):
    first = api.post("/api/topics/review", {}, 202)
    assert first["state"] == "waiting"
    assert api.post("/api/topics/review", {}, 202)["id"] == first["id"]
    TopicReview.update(asked_at=clock.now() - timedelta(hours=1)).execute()
    assert api.post("/api/topics/review", {}, 202)["id"] != first["id"]


def test_the_night_reviews_only_what_changed(said, make, survey):
    count = TopicReview.select().count()
    reviews.nightly(clock.now())
    assert TopicReview.select().count() == count
    make.response(survey, 3, comment="one more")
    reviews.nightly(clock.now())
    assert TopicReview.select().count() == count + 1


def test_the_command_reviews_too(world, make, survey):
    db.write(lambda: [make.response(survey, 8, comment=text) for text in comments().values()])
    result = world.app.test_cli_runner().invoke(args=["topics", "review"])
    assert result.exit_code == 0, result.output
    assert f"{len(SUBJECT)} comments reviewed" in result.output
    assert Topic.select().count() > 3


@ON_SQLITE
@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "", {"label": "Write to ann@example.com"}, 422),
        ("POST", "", {"label": ""}, 422),
        ("POST", "", {"label": "x", "size": 3}, 422),
        ("POST", "", {"examples": ["x"]}, 422),
        ("PATCH", "/{topic}", {"label": "Call 030 1234567"}, 422),
        ("PATCH", "/{topic}", {"issue_url": "javascript:alert(1)"}, 422),
        ("PATCH", "/{topic}", {"status": "in progress"}, 422),
        ("PATCH", "/{topic}", {"status": "came_back"}, 422),
        ("GET", "?status=active", {}, 422),
        ("PATCH", "/{topic}", {"label": "{other_label}"}, 409),
        ("PATCH", "/top_missing", {"owner": "Maya"}, 404),
        ("POST", "/{topic}/merge", {"into": "{topic}"}, 422),
        ("POST", "/{topic}/merge", {"into": "top_missing"}, 422),
        ("POST", "/top_missing/merge", {"into": "{topic}"}, 404),
        ("POST", "/{topic}/split", {"label": "x", "responses": []}, 422),
        ("POST", "/{topic}/split", {"label": "x", "responses": [str(uuid.uuid4())]}, 422),
    ],
)  # fmt: skip
def test_what_cannot_be_done_to_a_topic_is_refused(api, method, path, body, status):
    topic = api.post("/api/topics", {"label": "Parking", "examples": []})["id"]
    api.post("/api/topics", {"label": "Breakfast"})
    filled = {
        name: value.format(topic=topic, other_label="BREAKFAST") if isinstance(value, str) else value
        for name, value in body.items()
    }
    answer = api.call(method, f"/api/topics{path.format(topic=topic)}", json=filled)
    assert answer.status_code == status, answer.get_json()


def test_a_key_of_some_surveys_sees_only_their_topics(api, said, make, world):
    other = make.survey()
    row = make.response(other, 5, comment="the car park was full")
    world.work()
    limited = type(api)(world, make.key("write", surveys=[other.id]))
    (item,) = limited.get("/api/topics")["items"]
    assert (item["id"], item["size"], [each["id"] for each in item["typical"]]) == (
        topic_of(said, "parking"), 1, [row.id],
    )  # fmt: skip
    limited.get(f"/api/topics/{topic_of(said, 'food')}", 404)
    limited.post("/api/topics", {"label": "Mine"}, 403)
    limited.patch(f"/api/topics/{item['id']}", {"label": "Mine"}, 403)


def test_a_key_of_some_surveys_learns_nothing_that_others_taught(api, make, survey, world):
    given = {"label": "Card declined", "examples": ["the card of Acme was refused"]}
    topic = api.post("/api/topics", given)["id"]
    api.patch(f"/api/topics/{topic}", {"owner": "Maya", "issue_url": "https://issues.example/1"})
    Topic.update(candidates=["Acme card"], terms=["acme"]).execute()
    foreign = make.response(survey, 3, comment="it was refused")
    api.patch(f"/api/responses/{foreign.id}", {"topics": [topic]})
    own = make.response(make.survey(), 3, comment="no idea")
    limited = type(api)(world, make.key("write", surveys=[own.survey_id]))
    refused = [
        limited.call("PATCH", f"/api/responses/{own.id}", 422, json={"topics": [id_]})["error"]["fields"]
        for id_ in (topic, "top_missing")
    ]
    assert refused[0] == {"topics": [f"There is no topic {topic}."]}
    assert refused[1] == {"topics": ["There is no topic top_missing."]}
    limited.get(f"/api/topics/{topic}", 404)
    api.patch(f"/api/responses/{own.id}", {"topics": [topic]})
    assert limited.patch(f"/api/responses/{own.id}", {"topics": [topic]})["topics"][0]["id"] == topic
    TopicReview.create(state=reviews.DONE, asked_at=clock.now(), comments=7, moved=3)
    page = limited.get("/api/topics")
    assert {"comments", "moved"} & set(page["review"]) == set()
    for shown in (page["items"][0], limited.get(f"/api/topics/{topic}")):
        assert shown["id"] == topic
        assert not set(shown) & {
            "candidates",
            "phrases",
            "examples",
            "owner",
            "issue_url",
            "lineage",
        }
        assert "acme" not in str(shown).lower()
    assert api.get(f"/api/topics/{topic}")["examples"] == given["examples"]


def test_a_page_of_topics_costs_as_many_statements_however_long_it_is(api, make, survey):
    costs = []
    for number in range(6):
        topic = api.post("/api/topics", {"label": f"Topic {number}"})["id"]
        row = make.response(survey, 3, comment=f"comment {number}")
        api.patch(f"/api/responses/{row.id}", {"topics": [topic]})
        with count_queries() as counted:
            items = api.get("/api/topics")["items"]
        costs.append(counted.count)
        assert [len(item["typical"]) for item in items] == [1] * (number + 1)
    assert len(set(costs)) == 1


def test_the_most_typical_comments_are_those_nearest_to_the_topic(api, make, survey):
    topic, other = (api.post("/api/topics", {"label": label})["id"] for label in ("One", "Other"))
    rows = [make.response(survey, 3, comment=f"comment {number}") for number in range(5)]
    for at, row in enumerate(rows):
        api.patch(f"/api/responses/{row.id}", {"topics": [topic, other]})
        for name, closeness in ((topic, at / 10), (other, -at / 10)):
            Placement.update(closeness=closeness).where(
                Placement.response == row.key, Placement.topic == name
            ).execute()
    found = {
        item["id"]: [each["comment"][-1] for each in item["typical"]]
        for item in api.get("/api/topics")["items"]
    }
    assert found == {topic: ["4", "3", "2"], other: ["0", "1", "2"]}


def test_of_typical_comments_no_two_are_nearly_the_same():
    rows = [
        SimpleNamespace(comment=said)
        for said in ("late again", "late again!", "Late again", "the courier never rang", "late")
    ]
    assert [row.comment for row in reports.different(rows, 3)] == [
        "late again",
        "the courier never rang",
        "late",
    ]
    assert len(reports.different(rows[:3], 3)) == 3
    assert reports.different([], 3) == []


def test_what_waits_is_listed_with_the_reason(api, make, survey, world):
    said = {
        "nothing": "n/a",
        "language": "Η παράδοση άργησε πολύ και κανείς δεν απάντησε",
        "unlike": "quantum",
    }
    rows = {why: make.response(survey, 3, comment=text, language="en").id for why, text in said.items()}
    world.work()
    rows["unread"] = make.response(survey, 3, comment="not yet looked at").id
    assert api.get("/api/topics")["unplaced"]["reasons"] == dict.fromkeys(rows, 1)
    for why, id_ in rows.items():
        assert [item["id"] for item in api.get("/api/feed", waiting=why)["items"]] == [id_]
    assert len(api.get("/api/feed", waiting="any")["items"]) == 4
    api.call("GET", "/api/feed?waiting=long", 422)


def test_a_topic_alone_has_the_numbers_it_has_among_all(api, said):
    for item in api.get("/api/topics", limit=200)["items"][:2]:
        alone = api.get(f"/api/topics/{item['id']}")
        assert {name: alone[name] for name in item if name != "typical"} == {
            name: value for name, value in item.items() if name != "typical"
        }
        assert alone["typical"][:3] == item["typical"]


def test_a_language_that_the_vectors_do_not_know_makes_no_topics(world, api, make):
    survey = make.survey()
    for number in range(12):
        comment = f"Η παράδοση άργησε πολύ και κανείς δεν απάντησε για την παραγγελία {number}."
        make.response(survey, 3, comment=comment)
    world.work()
    api.post("/api/topics/review", {}, 202)
    world.work()
    overview = api.get("/api/topics")
    assert (overview["review"]["state"], overview["items"]) == ("done", [])
    assert api.get("/api/feed", limit=1)["items"][0]["comment"].startswith("Η παράδοση")
