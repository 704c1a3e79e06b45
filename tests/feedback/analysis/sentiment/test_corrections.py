"""What people's corrections of a sentiment change, and what they leave alone."""

import pytest

from feedback.analysis.sentiment import reading
from feedback.analysis.sentiment.corrections import learn
from feedback.analysis.sentiment.reading import Comment


def _learnt(*corrections: tuple[Comment, str]):
    return learn([case for comment, label in corrections if (case := reading.correction(comment, label))])


def test_a_corrected_comment_reads_as_people_said_at_once() -> None:
    learnt = _learnt((Comment("The portal"), "negative"))
    found = reading.read("the  portal", adjustment=learnt)
    assert found is not None
    assert found.label == "negative"


def test_a_word_corrected_often_changes_other_comments() -> None:
    before = reading.read("the portal again")
    texts = [
        "portal",
        "the portal",
        "your portal",
        "portal issue today",
        "used the portal",
        "portal, as always",
    ]
    learnt = _learnt(*((Comment(text), "negative") for text in texts))
    after = reading.read("the portal again", adjustment=learnt)
    assert before is not None
    assert after is not None
    assert after.score < before.score
    assert "portal" in [word for word, shift in learnt.changes(5) if shift < 0]


def test_what_the_words_say_by_themselves_is_left_alone() -> None:
    learnt = _learnt((Comment("great"), "negative"))
    found = reading.read("great", adjustment=learnt)
    assert found is not None
    assert (found.label, found.text_label) == ("negative", "positive")


def test_without_corrections_nothing_changes() -> None:
    assert reading.read("Quite slow", adjustment=learn([])) == reading.read("Quite slow")


def test_a_later_correction_of_the_same_comment_wins() -> None:
    learnt = _learnt((Comment("The portal"), "negative"), (Comment("The portal"), "positive"))
    found = reading.read("The portal", adjustment=learnt)
    assert found is not None
    assert found.label == "positive"


def test_scores_that_mean_little_in_a_survey_are_learnt() -> None:
    comments = [
        Comment(f"room {word}", score=1.0) for word in "one two three four five six seven eight".split()
    ]
    learnt = _learnt(*((comment, "negative") for comment in comments))
    before = reading.read("the hall", score=1.0)
    after = reading.read("the hall", score=1.0, adjustment=learnt)
    assert before is not None
    assert after is not None
    assert after.score < before.score


def test_learning_is_the_same_every_time() -> None:
    corrections = [(Comment("slow portal", score=0.5), "negative"), (Comment("fine"), "neutral")]
    first, second = (_learnt(*corrections) for _ in range(2))
    assert first.changes() == second.changes()


def test_a_label_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="angry"):
        reading.correction(Comment("fine"), "angry")


def test_a_comment_that_cannot_be_read_teaches_nothing() -> None:
    assert reading.correction(Comment("..."), "negative") is None
