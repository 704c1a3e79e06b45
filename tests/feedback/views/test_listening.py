"""Drivers, comments alike, mismatches, corrections that teach, and personal data that stays inside."""

import io
from datetime import timedelta

import pytest
from python_calamine import CalamineWorkbook

from feedback.models import Learnt, Meaning, Reading, Topic
from surveys import responses
from surveys.base import clock
from surveys.models import DailyCount, Response


@pytest.fixture
def survey(make):
    return make.survey()


def give(api, make, survey, topic, scores, at=None):
    for score in scores:
        row = make.response(survey, score, at, comment="a word or two")
        if topic:
            api.patch(f"/api/responses/{row.id}", {"topics": [topic]})


def test_drivers_rank_topics_by_what_they_do_to_the_value(api, make, survey):
    bad, good, few = (api.post("/api/topics", {"label": label})["id"] for label in ("Bad", "Good", "Few"))
    give(api, make, survey, bad, [0] * 12)
    give(api, make, survey, good, [9] * 10)
    give(api, make, survey, few, [0] * 3)
    give(api, make, survey, None, [9] * 15)
    found = api.get("/api/drivers", survey=survey.id)
    assert (found["metric"], found["n"], found["value"]) == ("nps", 40, 25.0)
    assert [item["topic"]["label"] for item in found["items"]] == ["Bad", "Good"]
    worst = found["items"][0]
    assert worst["impact"] == pytest.approx(25.0 - 100 * (25 - 3) / 28)
    assert (worst["n"], worst["value"], worst["spans_zero"]) == (12, -100.0, False)
    assert worst["interval"][0] <= worst["impact"] <= worst["interval"][1]
    assert (worst["previous"], worst["explains"]) == (None, None)
    assert api.get("/api/drivers", metric="nps") == found
    item = api.get(f"/api/topics/{bad}")
    assert (item["impact"], item["interval"]) == (worst["impact"], worst["interval"])


def test_drivers_explain_what_changed_since_the_period_before(api, make, survey):
    now = clock.now()
    bad = api.post("/api/topics", {"label": "Bad"})["id"]
    give(api, make, survey, bad, [0] * 5, now - timedelta(days=10))
    give(api, make, survey, None, [9] * 15, now - timedelta(days=10))
    give(api, make, survey, bad, [0] * 10)
    give(api, make, survey, None, [9] * 10)
    found = api.get("/api/drivers", survey=survey.id, since=clock.stamp(now - timedelta(days=7)))
    (item,) = found["items"]
    assert (item["share"], item["contribution"]) == (0.5, -50.0)
    assert item["previous"] == {"n": 5, "share": 0.25, "value": -100.0, "contribution": -25.0}
    assert item["explains"] == -25.0
    assert (found["previous"]["value"], found["value"]) == (50.0, 0.0)


def test_drivers_show_what_went_away_and_what_everybody_names(api, make, survey):
    now = clock.now()
    gone, whole, few = (api.post("/api/topics", {"label": label})["id"] for label in ("Gone", "Whole", "Few"))
    give(api, make, survey, gone, [0] * 12, now - timedelta(days=10))
    give(api, make, survey, few, [0] * 5, now - timedelta(days=10))
    give(api, make, survey, None, [9] * 7, now - timedelta(days=10))
    give(api, make, survey, whole, [9] * 10)
    found = api.get("/api/drivers", survey=survey.id, since=clock.stamp(now - timedelta(days=7)))
    assert [(item["topic"]["label"], item["n"]) for item in found["items"]] == [("Whole", 10), ("Gone", 0)]
    first, second = found["items"]
    assert (first["impact"], first["value"], first["explains"]) == (None, 100.0, 100.0)
    assert (second["value"], second["share"], second["contribution"], second["explains"]) == (
        None,
        0,
        0,
        50.0,
    )
    assert second["previous"] == {"n": 12, "share": 0.5, "value": -100.0, "contribution": -50.0}


def test_drivers_stand_although_the_daily_counts_are_wrong(api, make, survey):
    topic = api.post("/api/topics", {"label": "Bad"})["id"]
    give(api, make, survey, topic, [10] * 12)
    give(api, make, survey, None, [0] * 5)
    DailyCount.update(n=1).execute()
    (item,) = api.get("/api/drivers", survey=survey.id)["items"]
    # No topic is larger than all; `recount` puts right what the whole is.
    assert item["n"] == 12
    assert 12 / 17 < item["share"] <= 1
    assert api.get(f"/api/topics/{topic}")["impact"] == item["impact"]


def test_a_surge_is_one_of_comments_that_may_be_in_several_topics(api, make, survey):
    now = clock.now()
    usual, new = (api.post("/api/topics", {"label": label})["id"] for label in ("Usual", "New"))
    for days, times, topics in ((20, 20, [usual]), (2, 20, [usual, new])):
        for _ in range(times):
            row = make.response(survey, 5, now - timedelta(days=days), comment="a word or two")
            api.patch(f"/api/responses/{row.id}", {"topics": topics})
    surges = {item["label"]: item["surge"] for item in api.get("/api/topics")["items"]}
    assert surges["Usual"] is None
    assert (surges["New"]["n"], surges["New"]["expected"]) == (20, 10)


@pytest.mark.parametrize(
    ("query", "status"), [({}, 422), ({"survey": "sv_missing"}, 404), ({"metric": "miles"}, 422)]
)
def test_drivers_want_one_metric(api, query, status):
    api.get("/api/drivers", status, **query)


def test_two_metrics_are_never_averaged_together(api, make):
    make.response(make.survey("nps"), 9, comment="Fine")
    make.response(make.survey("csat"), 5, comment="Fine")
    topic = api.post("/api/topics", {"label": "Fine"})["id"]
    assert api.get("/api/topics")["metric"] is None
    assert api.get(f"/api/topics/{topic}")["value"] is None
    assert api.get("/api/topics", metric="csat")["metric"] == "csat"


def test_a_topic_that_many_name_at_once_is_a_surge(api, make, survey):
    now = clock.now()
    rising, usual = (api.post("/api/topics", {"label": label})["id"] for label in ("Rising", "Usual"))
    for topic, before, lately in ((rising, 2, 12), (usual, 30, 8)):
        give(api, make, survey, topic, [5] * before, now - timedelta(days=20))
        give(api, make, survey, topic, [5] * lately, now - timedelta(days=2))
    surges = {item["label"]: item["surge"] for item in api.get("/api/topics")["items"]}
    assert surges["Usual"] is None
    assert surges["Rising"]["n"] == 12
    assert surges["Rising"]["expected"] == pytest.approx(14 * 20 / 52)
    assert surges["Rising"]["p"] < 0.01


def test_comments_alike_come_nearest_first(api, make, survey, world):
    own, near, nearer, _ = (
        make.response(survey, 3, comment=text)
        for text in (
            "the car park was full",
            "parking is far too expensive",
            "the car park was full again today",
            "my refund never came",
        )
    )
    world.work()
    items = api.get("/api/feed", like=own.id)["items"]
    assert [item["id"] for item in items] == [nearer.id, near.id]
    assert 1 >= items[0]["similarity"] > items[1]["similarity"] > 0.3
    assert [item["id"] for item in api.get("/api/feed", like=own.id, limit=1)["items"]] == [nearer.id]
    assert api.get("/api/feed", like=own.id, group="promoter")["items"] == []


def test_comments_alike_are_those_that_the_key_sees(api, make, survey, world):
    own = make.response(survey, 3, comment="the car park was full")
    make.response(make.survey(), 3, comment="the car park was full again")
    world.work()
    limited = type(api)(world, make.key("read", surveys=[survey.id]))
    assert limited.get("/api/feed", like=own.id)["items"] == []
    other = Response.get(Response.survey != survey.id)
    limited.get("/api/feed", 422, like=other.id)
    api.get("/api/feed", 422, like=own.id, order="asc")


def test_what_nobody_has_read_is_like_nothing(api, make, survey):
    row = make.response(survey, 3, comment="the car park was full")
    assert api.get("/api/feed", like=row.id)["items"] == []


def test_what_says_nothing_has_no_meaning_to_be_in_a_topic(api, make, survey, world):
    row = make.response(survey, 3, comment="the car park was full")
    for nothing in ("Nothing", "n/a", "-", "ok thanks", "nothing to add"):
        make.response(survey, 3, comment=nothing)
    world.work()
    assert [meaning.key for meaning in Meaning.select()] == [row.key]


@pytest.mark.parametrize(
    ("metric", "score", "comment", "listed"),
    [
        ("nps", 1, "I love it, it is wonderful and excellent", True),
        ("nps", 10, "Terrible, awful, I hate this broken thing", True),
        ("nps", 10, "I love it, it is wonderful and excellent", False),
        ("nps", 1, "Terrible, awful, I hate this broken thing", False),
        ("csat", 1, "I love it, it is wonderful and excellent", True),
        ("csat", 5, "Terrible, awful, I hate this broken thing", True),
        ("csat", 4, "Terrible, awful, I hate this broken thing", True),
        # What people who are content say of what is missing, and unhappy ones of what is good.
        ("csat", 4, "My problem was solved, but only after I called again.", False),
        ("csat", 4, "The refund came, but it took three weeks", False),
        ("ces", 5, "Slightly too expensive for me", False),
        ("csat", 5, "Short waiting time on the phone", False),
        ("csat", 5, "Nothing, thanks.", False),
        ("ces", 5, "The shipping costs are a bit high", False),
        ("ces", 7, "Quick, and the receipt was in my inbox before I'd put the phone down", False),
        ("nps", 6, "Buenos productos pero precio alto", False),
    ],
)
def test_words_that_say_the_opposite_of_the_score_are_listed(
    api, make, world, metric, score, comment, listed
):
    make.response(make.survey(metric, languages=["en", "es"]), score, comment=comment)
    world.work()
    found = api.get("/api/feed", mismatch="1")["items"]
    assert len(found) == listed
    for item in found:
        by_words = item["sentiment"]["by_words"]
        assert by_words["label"] == ("positive" if "love" in comment else "negative")
        assert abs(by_words["score"]) >= 0.75
    (item,) = api.get("/api/feed")["items"]
    assert set(item["sentiment"]) == {"label", "score"}


def test_words_that_barely_speak_against_the_score_are_no_mismatch(api, make, survey, world):
    make.response(survey, 10, comment="Short waiting time on the phone")
    world.work()
    read = Reading.get()
    assert read.text_label == "negative"
    assert read.text_score > -0.75
    assert api.get("/api/feed", mismatch="1")["items"] == []


@pytest.mark.parametrize(
    ("languages", "said", "language"),
    [(["de"], None, "de"), (["de"], "fr", "fr"), (["de", "fr"], None, "de")],
)
def test_a_short_comment_is_in_the_only_language_of_its_survey(api, make, world, languages, said, language):
    row = make.response(make.survey(languages=languages), 9, comment="Nicht schlecht", language=said)
    world.work()
    item = api.get(f"/api/responses/{row.id}")
    assert (Reading.get_by_id(row.key).language, item["sentiment"] is None) == (language, language is None)
    assert item["topics"] == []


def test_a_correction_can_be_taken_back(api, make, survey, world):
    row = make.response(survey, 8, comment="The soup was cold")
    world.work()
    path = f"/api/responses/{row.id}"
    before = api.get(path)["sentiment"]
    api.patch(path, {"sentiment": "positive"})
    world.work()
    assert api.get("/api/sentiment/corrections")["items"][0]["corrections"] == 1
    api.patch(path, {"sentiment": None})
    world.work()
    assert api.get(path)["sentiment"] == before
    assert api.get("/api/sentiment/corrections")["items"] == []


def test_what_corrections_moved_are_words(api, make, survey, world):
    row = make.response(survey, 8, comment="sick . … ! 24 / 7")
    api.patch(f"/api/responses/{row.id}", {"sentiment": "positive"})
    world.work()
    (item,) = api.get("/api/sentiment/corrections")["items"]
    assert all(any(map(str.isalpha, each["word"])) for each in item["words"])
    assert "sick" in {each["word"] for each in item["words"]}


def test_corrections_change_later_readings_at_once_and_say_how(api, make, survey, world):
    other = make.survey()
    for at in range(12):
        row = make.response(survey, 8, comment=f"It is sick, number {at}")
        world.work()
        if at == 0:
            alone = api.get(f"/api/responses/{row.id}")["sentiment"]["label"]
            assert alone != "positive"
        api.patch(f"/api/responses/{row.id}", {"sentiment": "positive"})
    later = make.response(survey, 8, comment="So sick this product")
    elsewhere = make.response(other, 8, comment="So sick this product")
    world.work()
    assert api.get(f"/api/responses/{later.id}")["sentiment"]["label"] == "positive"
    assert (
        api.get(f"/api/responses/{elsewhere.id}")["sentiment"]["label"]
        == Reading.get_by_id(later.key).shipped_label
    )
    (item,) = api.get("/api/sentiment/corrections")["items"]
    assert (item["survey"], item["corrections"]) == (survey.id, 12)
    assert item["overruled"] >= 1
    assert item["changed"] >= 1
    assert "sick" in [word["word"] for word in item["words"] if word["shift"] > 0]
    limited = type(api)(world, make.key("read", surveys=[other.id]))
    assert limited.get("/api/sentiment/corrections")["items"] == []


def test_what_was_learnt_from_an_erased_comment_is_forgotten(api, make, survey, world):
    row = make.response(survey, 8, comment="zyzzx")
    world.work()
    api.patch(f"/api/responses/{row.id}", {"sentiment": "positive"})
    world.work()
    assert Learnt.select().count() == 1
    responses.delete(row, clock.now())
    world.work()
    assert Learnt.select().count() == 0


@pytest.mark.parametrize("how", ["erased", "amended"])
def test_no_word_stays_of_a_corrected_comment_that_is_gone_beside_one_without_words(
    api, make, survey, world, how
):
    """How many corrections there are says nothing about which: one without words is learnt nothing from."""
    rows = [make.response(survey, 8, comment="zyzzx quuxly"), make.response(survey, 8, comment="…")]
    world.work()
    for row in rows:
        api.patch(f"/api/responses/{row.id}", {"sentiment": "positive"})
    world.work()
    assert "quuxly" in str(Learnt.get().words)
    if how == "erased":
        responses.delete(rows[0], clock.now())
    else:
        make.response(survey, 8, id=rows[0].id, revision=2, comment="Fine")
    world.work()
    assert "quuxly" not in str([row.words for row in Learnt.select()])


SECRETS = (
    "Write to ann@example.com or +49 170 1234567, card 4111 1111 1111 1111, IBAN DE89 3704 0044 0532 0130 00"
)
PARTS = ("ann@example.com", "1234567", "4111", "3704")


@pytest.mark.parametrize("redact", [True, False])
def test_a_survey_may_keep_personal_data_out_of_every_feed(api, client, world, redact):
    body = {"name": "Shop", "metric": "nps", "redact": redact}
    survey = api.post("/api/surveys", body)
    assert survey["redact"] is redact
    api.post(
        "/api/responses",
        {"survey": survey["id"], "score": 2, "comment": SECRETS, "answers": {"why": SECRETS}},
    )
    world.work()
    urls = api.post("/api/feeds", {"name": "All", "filters": {}})["urls"]
    shown = [str(api.get("/api/feed")), str(api.get("/api/responses"))]
    book = CalamineWorkbook.from_filelike(io.BytesIO(client.get(urls.pop("xlsx")).data))
    shown += [str(book.get_sheet_by_index(0).to_python())]
    shown += [client.get(url).get_data(as_text=True) for url in urls.values()]
    for text in shown:
        assert [part in text for part in PARTS] == [not redact] * len(PARTS)
        assert ("Write to" in text) is True


def test_redaction_leaves_a_ticket_its_number_and_its_link(api, make):
    survey = make.survey(redact=True)
    ticket = {
        "id": "4929123456",
        "number": "0170 1234567",
        "url": "https://desk.example/t/4929123456",
        "channel": "chat",
    }
    body = {"survey": survey.id, "score": 2, "ticket": {**ticket, "subject": SECRETS}}
    shown = api.post("/api/responses", body)["ticket"]
    assert {name: shown[name] for name in ticket} == ticket
    assert not any(part in shown["subject"] for part in PARTS)


def test_examples_and_topics_never_hold_personal_data(api, make, survey, world):
    made = api.post("/api/topics", {"label": "Contact", "examples": [SECRETS]})
    assert not any(part in str(made) for part in PARTS)
    for at in range(6):
        make.response(survey, 3, comment=f"Please call me back on 0170 123456{at} or ann{at}@example.com")
    world.work()
    api.post("/api/topics/review", {}, 202)
    world.work()
    for row in Topic.select():
        text = f"{row.label} {row.candidates} {row.terms}".lower()
        assert not any(part in text for part in ("0170", "123456", "ann", "example.com"))
