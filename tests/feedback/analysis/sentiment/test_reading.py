"""What the sentiment engine promises about one comment and about many."""

import csv
from pathlib import Path

import pytest

from feedback.analysis.sentiment import features, questions, reading
from feedback.analysis.sentiment.reading import Comment, Label
from tests.bench import sentiment_invented

SAMPLE = Path(__file__).parents[3] / "data" / "sentiment-sentences.csv"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("I love it, great service", "positive"),
        ("The food was not good", "negative"),
        ("I was never disappointed", "positive"),
        ("The app is slow and keeps crashing", "negative"),
        ("My flight was cancelled and nobody helped", "negative"),
        ("How do I change my reservation?", "neutral"),
        ("👍", "positive"),
        ("😡", "negative"),
        (":)", "positive"),
        ("sooooo good!!!", "positive"),
        ("The worst hotel\u2026 I\u2019d never come back", "negative"),
        ("nobody at the desk could help us", "negative"),
        ("been on hold for 97 minutes", "negative"),
        ("Can I bring a car seat on board?", "neutral"),
        ("The location is great but the beds are terrible", "neutral"),
        ("it is ok, nothing special", "neutral"),
        ("never let me down", "positive"),
        ("no issues", "positive"),
        ("I have no complaints at all", "positive"),
        ("no reason", "neutral"),
        ("no particular reason", "neutral"),
        ("no major issues", "positive"),
    ],
)
def test_plain_english_reads_as_people_read_it(text: str, label: str) -> None:
    assert _label(text) == label


@pytest.mark.parametrize(
    ("text", "language", "label"),
    [
        ("Überhaupt nicht zufrieden, der Service ist sehr langsam", "de", "negative"),
        ("Sehr freundlich und schnell", "de", "positive"),
        ("Le personnel est très sympathique", "fr", "positive"),
        ("El servicio fue muy lento y el personal grosero", "es", "negative"),
        ("Ottimo servizio, personale gentile", "it", "positive"),
        ("Slechte service en te duur", "nl", "negative"),
        ("Atendimento péssimo e demorado", "pt", "negative"),
    ],
)
def test_six_more_languages_are_read_by_their_words(text: str, language: str, label: str) -> None:
    found = reading.read(text, language=language)
    assert found is not None
    assert (found.label, found.language) == (label, language)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Nagyon jó szolgáltatás volt", "hu"),
        ("Palvelu oli erittäin huonoa ja hidasta", None),
        ("Foarte bine", "ro"),
        ("שירות טוב מאוד", None),
        ("Zzyzx", "de"),
        ("", None),
        (" \n ", None),
        ("...", None),
        ("12", None),
    ],
)
def test_what_cannot_be_read_has_no_sentiment(text: str, language: str | None) -> None:
    assert reading.read(text, language=language) is None


@pytest.mark.parametrize(
    ("answer", "question", "label"),
    [
        ("nothing", "What could we do better?", "positive"),
        ("Nothing at all!", "What was worst?", "positive"),
        ("can't think of anything", "What did you dislike?", "positive"),
        ("nothing", "What do you like about us?", "negative"),
        ("parking", "What was worst?", "negative"),
        ("parking", "What do you like?", "positive"),
        ("n/a", "What could we do better?", "neutral"),
        ("Can't complain", "What was worst?", "positive"),
        ("no complaints", "What do you like?", "positive"),
        ("It was awful, I hated it", "What do you like?", "negative"),
    ],
)
def test_a_question_says_what_its_answers_mean(answer: str, question: str, label: str) -> None:
    assert _label(answer, question=question) == label


def test_the_respondents_score_decides_where_words_do_not() -> None:
    assert _label("parking", score=0.0) == "negative"
    worst, middle, best = (reading.read("the staff", score=score) for score in (0.0, 0.5, 1.0))
    assert worst is not None
    assert middle is not None
    assert best is not None
    assert worst.score < middle.score < best.score


def test_a_bare_noun_after_a_one_sided_question_is_not_neutral() -> None:
    assert _label("my teacher Anna", question="What did you like most?", score=0.75) == "positive"
    assert _label("short lectures", question="What did you like most?", score=0.5) == "positive"
    assert _label("the website", question="What could we do better?", score=0.75) == "negative"


def test_words_that_contradict_the_score_stay_apart_from_it() -> None:
    found = reading.read("Terrible, I hate the new app", score=1.0)
    assert found is not None
    assert found.text_label is Label.NEGATIVE
    assert found.text_score < found.score


def test_a_comment_is_read_by_its_sentences_too() -> None:
    found = reading.read("The staff was very friendly, but the parking was terrible. Thanks!")
    assert found is not None
    assert [part.label for part in found.sentences[:2]] == ["positive", "negative"]
    assert "friendly" in found.sentences[0].words
    assert "terrible" in found.sentences[1].words


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("What a terrible day", "terrible"),
        ("It is not good", "not good"),
        ("👍", "👍"),
        ("thanks, excellent", "excellent"),
    ],
)
def test_the_words_that_decided_are_shown_as_written(text: str, word: str) -> None:
    found = reading.read(text)
    assert found is not None
    assert word in found.words


def test_the_same_comments_read_the_same_alone_and_together() -> None:
    comments = [Comment(row["text"]) for row in _sample()]
    assert reading.read_many(comments) == reading.read_many(comments)
    assert reading.read_many(comments)[:20] == [reading.read(comment.text) for comment in comments[:20]]


@pytest.mark.parametrize(
    "poison",
    [
        "a" * 100_000,
        "bad " * 25_000,
        "\x00\x01\x1b[31m\u202e bad \ud800",
        "👍" * 10_000,
        "(" * 50_000,
        "no " * 30_000,
        "@" * 9_999,
    ],
    ids=["one word", "many words", "control characters", "emoji", "brackets", "negations", "handles"],
)
def test_a_poisonous_comment_does_not_stop_its_neighbours(poison: str) -> None:
    before, _, after = reading.read_many([Comment("I love it"), Comment(poison), Comment("I hate it")])
    assert before is not None
    assert after is not None
    assert (before.label, after.label) == ("positive", "negative")


@pytest.mark.parametrize(
    ("score", "asked", "label"),
    [
        (1.0, "What did you like most?", "neutral"),
        (0.0, "What did you like most?", "negative"),
        (0.0, "What could we do better?", "neutral"),
        (1.0, "What could we do better?", "positive"),
        (1.0, None, "neutral"),
    ],
)
def test_nothing_to_add_to_a_score(score: float, asked: str | None, label: str) -> None:
    found = reading.read("Nothing", score=score, question=asked)
    assert found is not None
    assert found.label == label


@pytest.mark.parametrize("complaint", ["no clear answer", "no straight answer", "no good reason"])
def test_what_was_missed_is_no_refusal_to_answer(complaint: str) -> None:
    assert _label(complaint) == "negative"


@pytest.mark.parametrize("said", ["no resolved issues", "no small problem", "no one dislikes it"])
def test_only_the_lack_of_faults_is_certain_praise(said: str) -> None:
    assert not questions.finds_no_fault(said)


def test_ten_thousand_thumbs_up_are_praise() -> None:
    assert _label("👍" * 10_000) == "positive"


def test_the_shipped_model_reads_nine_of_ten_labelled_sentences() -> None:
    rows = _sample()
    right = 0
    for row, found in zip(rows, reading.read_many(Comment(row["text"]) for row in rows), strict=True):
        right += found is not None and (found.text_score > 0) == (row["sentiment"] == "positive")
    assert right / len(rows) >= 0.9


@pytest.mark.parametrize(
    ("name", "least"),
    [("airline-tweets", 0.6), ("telecom-reasons", 0.61), ("reviews", 0.57), ("survey", 0.6)],
)
def test_invented_comments_of_all_kinds_are_read_well_enough(name: str, least: float) -> None:
    found = sentiment_invented.figures(name, first=1)
    assert found.macro_f1 >= least
    if name == "survey":
        assert found.negatives_found >= 0.7


@pytest.mark.parametrize("text", ["n't good", "N't", "can n't"])
def test_a_contraction_that_stands_alone_is_a_negation(text: str) -> None:
    assert features.tokens(text).count("not") == 1
    assert reading.read(text, language="en", score=0.0) is not None


def test_what_was_made_faster_says_what_the_libraries_say() -> None:
    from textblob.en import sentiment as textblob
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    texts = [row["text"] for row in _sample()]
    texts += ["Really not 5 % good!", "never so good, bad ass, kind of ok", "It isn't the bomb (!) :-( :D"]
    vader = SentimentIntensityAnalyzer()
    for text in texts:
        words = features.tokens(text)
        told = textblob.assessments((word, None) for word in words)
        # The words of a chunk may hold another mark; only its values are used.
        assert [each[1:] for each in features.textblob_lexicon().assess(words)] == [each[1:] for each in told]
        assert features.vader().polarity_scores(text) == vader.polarity_scores(text)


def _label(text: str, **known: object) -> str | None:
    found = reading.read(text, **known)  # type: ignore[arg-type]
    return None if found is None else found.label.value


def _sample() -> list[dict[str, str]]:
    with SAMPLE.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
