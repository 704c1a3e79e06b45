"""Reasons why somebody may be lost, and how long customers stay, on plain values."""

import pytest

from feedback.analysis.leaving import leaves
from feedback.domain.lost import Said, fell, silent, survival, unhappy_twice


def said(*scores, survey="a"):
    """Answers, the newest first."""
    tones = ["low" if score <= 6 else "high" if score >= 9 else "middle" for score in scores]
    return [
        Said(100 - at, survey, score, tone)
        for at, (score, tone) in enumerate(zip(scores, tones, strict=True))
    ]


@pytest.mark.parametrize(
    ("scores", "has_fallen", "is_unhappy_twice"),
    [
        ((6, 9), True, False),
        ((7, 10), True, False),
        ((7, 9), False, False),
        ((3, 4), False, True),
        ((9, 3, 3), False, False),
        ((3, 5, 10), False, True),
        ((2,), False, False),
        ((), False, False),
    ],
)
def test_only_the_last_two_answers_are_held_against_each_other(scores, has_fallen, is_unhappy_twice):
    answers = said(*scores)
    assert fell(answers) == answers[:1] * has_fallen
    assert unhappy_twice(answers) == answers[:1] * is_unhappy_twice


def test_scores_of_two_surveys_are_not_held_against_each_other():
    assert fell([*said(5), *said(9, survey="b")]) == []
    mixed = [
        Said(9, "b", 9, "high"),
        Said(8, "a", 4, "low"),
        Said(7, "b", 9, "high"),
        Said(6, "a", 9, "high"),
    ]
    assert fell(mixed) == mixed[1:2]
    # An earlier fall in another survey hides no later one.
    later = [*said(4), *said(2, 9, survey="b"), *said(9)]
    assert fell(later) == later[:2]
    both = [*said(4, 9), *said(2, 8, survey="b")]
    assert fell(both) == [both[0], both[2]]
    assert unhappy_twice([*said(2), *said(3, survey="b")]) == []
    between = [*said(2), *said(9, survey="b"), *said(3)]
    assert unhappy_twice(between) == between[:1]


@pytest.mark.parametrize(
    ("asks", "expected"),
    [
        ([("a", 11), ("a", 12)], {"a": 12}),
        ([("a", 9), ("a", 12)], {}),
        ([("a", 11), ("b", 25)], {}),
        ([("c", 25), ("c", 26)], {}),
        ([("b", 22), ("a", 12), ("b", 21), ("a", 11)], {"a": 12, "b": 22}),
        ([], {}),
    ],
)
def test_asks_of_a_survey_are_held_against_the_last_answer_to_it(asks, expected):
    assert silent({"a": 10, "b": 20}, asks) == expected


def test_who_is_still_there_is_worked_out_among_those_still_looked_at():
    # Of four one left at 10 days, one was last seen at 20, one left at 30: 3/4, then 3/4 * 1/2.
    found = survival([(10, True), (20, False), (30, True), (400, False)], (5, 10, 25, 30, 365, 500))
    assert [(each.days, each.share, each.at_risk) for each in found] == [
        (5, 100, 4), (10, 75, 3), (25, 75, 2), (30, 37.5, 1), (365, 37.5, 1),
    ]  # fmt: skip
    for each in found:
        assert each.interval[0] < each.share <= each.interval[1] <= 100
    # Nobody left: of four people that says little.
    assert found[0].interval[0] == pytest.approx(100 * 0.025 ** (1 / 4))
    (gone,) = survival([(1, True), (5, True), (9, False)], (5,))
    assert (gone.share, gone.at_risk) == (pytest.approx(100 / 3), 1)


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("I’m cancelling my subscription.", "en", True),
        ("We are switching to a competitor", "en", True),
        ("Thinking of leaving.", "en", True),
        ("I will never buy from you again", "en", True),
        ("Please cancel my order", "en", False),
        ("I switched it off and on again", "en", False),
        ("I don't want to leave!", "en", False),
        ("The plan is great, we go to the sea", "en", False),
        ("Ich habe meinen Vertrag gekündigt", "de", True),
        ("Wir wechseln zu einem anderen Anbieter.", "de-AT", True),
        ("Der Wechsel der Batterie war einfach", "de", False),
        ("Je vais résilier", "fr", True),
        ("Me voy a la competencia", "es", True),
        ("Ho disdetto e passo alla concorrenza", "it", True),
        ("Vou cancelar minha assinatura", "pt-BR", True),
        ("Ik ga overstappen", "nl", True),
        ("Jag byter leverantör", "sv", True),
        ("Vi skifter udbyder", "da", True),
        ("Vi bytter leverandør", "nb", True),
        ("Rezygnuję z usług", "pl", True),
        ("Chci zrušit předplatné", "cs", True),
        ("Ухожу к конкурентам", "ru", True),
        ("Aboneliğimi iptal ediyorum", "tr", True),
        ("解約します", "ja", True),
        ("我要取消订阅", "zh-Hans", True),
        ("I will cancel my contract", "fi", True),
        ("", None, False),
    ],
)
def test_words_of_leaving_are_told_from_others(text, language, expected):
    assert leaves(text, language) is expected
