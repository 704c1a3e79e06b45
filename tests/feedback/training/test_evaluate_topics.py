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
    assert evaluate_topics.batch(world(), SUBJECT)["unplaced"] == 0.0
