"""Which questions tell something about their answers, and which answers say "nothing"."""

import pytest

from feedback.analysis.sentiment.questions import finds_no_fault, kind, says_nothing


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("What do you like most about us?", "praise"),
        ("What did we do well?", "praise"),
        ("Was hat Ihnen gut gefallen?", "praise"),
        ("What was worst?", "blame"),
        ("What do you like least?", "blame"),
        ("What didn't you like?", "blame"),
        ("What went wrong?", "blame"),
        ("Was hat Ihnen nicht gefallen?", "blame"),
        ("What could we do better?", "wishes"),
        ("How can we improve your experience?", "wishes"),
        ("What one thing would you change?", "wishes"),
        ("Why did you give this score?", "anything"),
        ("What did you like or dislike?", "anything"),
        ("How likely are you to recommend us to a good friend?", "anything"),
        ("Anything else?", "anything"),
        (None, "anything"),
    ],
)
def test_a_question_asks_for(question: str | None, asks: str) -> None:
    assert kind(question) == asks


@pytest.mark.parametrize(
    "answer",
    ["nothing", "None.", "No", "nope", "Nothing at all!", "nothing to complain about",
    "I can't think of anything",
     "No complaints", "absolutely nothing", "nothing comes to mind", "Nothing, everything was great",
     "nichts", "rien"],
)  # fmt: skip
def test_an_answer_that_says_nothing(answer: str) -> None:
    assert says_nothing(answer)


@pytest.mark.parametrize(
    "answer",
    ["nothing works", "nothing but trouble", "no parking", "no it was awful", "not good", "no help at all",
     "no one answered the phone", "n/a", "", "Nothing " * 30],
)  # fmt: skip
def test_an_answer_that_says_something(answer: str) -> None:
    assert not says_nothing(answer)


@pytest.mark.parametrize(
    "comment",
    ["no issues", "No complaints!", "I have no complaints at all", "can't complain", "Can't fault it",
     "no real problems", "nothing to complain about", "nothing bad to say"],
)  # fmt: skip
def test_a_comment_that_finds_no_fault(comment: str) -> None:
    assert finds_no_fault(comment)
    assert says_nothing(comment)


@pytest.mark.parametrize(
    "comment", ["nothing", "no", "no suggestions", "no parking", "issues", "nothing wrong with queues"]
)
def test_a_comment_that_does_not_say_it_finds_no_fault(comment: str) -> None:
    assert not finds_no_fault(comment)
