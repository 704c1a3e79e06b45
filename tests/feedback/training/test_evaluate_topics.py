"""The figures are those of the engine, and hits are counted by words."""

from feedback.domain.topics import Place, State, Topic
from feedback.training import evaluate_topics
from tests.feedback.comments import SUBJECT, world


def test_a_label_hits_by_half_of_the_words_of_the_human_name():
    topics = {
        "a": Topic("a", "Card declined", ("Card declined", "x")),
        "b": Topic("b", "Weather", ("Weather", "Lost phones")),
        "c": Topic("c", "Nothing", ("Nothing",)),
    }
    truth = {"1": "declined_card_payment", "2": "lost_phone", "3": "exchange_rate"}
    places = {"1": Place("a"), "2": Place("b"), "3": Place("c")}
    assert evaluate_topics.label_hits(State(topics, places), truth) == (1 / 3, 2 / 3)


def test_a_stream_ends_with_every_comment_seen_and_few_moved():
    lines = evaluate_topics.stream(world(), SUBJECT, 48)
    assert [line["comments"] for line in lines] == [48, 96, 144]
    assert all(line["moved at review"] <= 0.05 for line in lines)
    assert lines[-1]["V"] > 0.6
    assert lines[-1]["unplaced"] == 0.0


def test_labels_of_human_topics_are_judged_apart_from_the_grouping():
    figures = evaluate_topics.labels_alone(world(), SUBJECT)
    assert figures["human topics"] == 6
    assert figures["label names the topic"] >= 4 / 6
    assert figures["one of three does"] >= figures["label names the topic"]


def test_a_page_of_labels_shows_each_once_with_its_size():
    figures, state = evaluate_topics.batch(world(), SUBJECT)
    _, _, *rows = evaluate_topics.page(state, 50)
    labels = [row.split(" | ")[0] for row in rows]
    assert len(labels) == len(set(labels)) == figures["topics"]
    assert sum(int(row.split(" | ")[1]) for row in rows) == len(SUBJECT)
    assert len(evaluate_topics.page(state, 3)) == 2 + 3
