"""What is told of topics across languages and of themes."""

from feedback.training import evaluate_languages
from tests.feedback.comments import SUBJECT
from tests.feedback.comments import world as comments

GERMAN = {"parking": "Der Parkplatz war voll", "staff": "Das Personal war freundlich"}


def test_figures_are_told_of_all_and_of_each_language():
    said = [(text, SUBJECT[id_], "en") for id_, text in comments().items()]
    said += [
        (f"{text} {end}", topic, "de") for topic, text in GERMAN.items() for end in ("!", "heute", "schon")
    ]
    found = evaluate_languages.across(said)
    assert found["comments"] == len(said)
    assert min(found["V"], found["en V"], found["de V"]) > 0.6
    assert 0 <= found["language"] < 0.2
    assert found["unplaced"] < 0.1


def test_themes_are_compared_with_those_of_people():
    said = [(text, SUBJECT[id_]) for id_, text in comments().items()]
    found = evaluate_languages.themes(said, {topic: topic for _, topic in said})
    assert found["themes"] >= 0
    assert 0 <= found["V"] <= 1
