"""What is known of a comment before reading it: the score, the question, and answers like "nothing"."""

from feedback.analysis import nothing
from feedback.analysis.nothing import Nothing
from feedback.analysis.sentiment.model import Logits
from feedback.analysis.sentiment.questions import Asks, kind

# Log-odds of positive against negative, and how much neutral gains, by the respondent's score. People who
# gave the best score praise in four of five comments and the worst complain in nine of ten (at 0, ¼, ½, ¾ and
# 1), but the middle complains more than it praises: whoever is content seldom explains a mediocre score.
# Rounded, since every survey differs a little; people's corrections move them.
_LEANS = (-2.6, -2.2, -1.0, 0.6, 1.8)
_NEUTRAL_BY_SCORE = (-0.3, 0.0, 0.4, 0.3, 0.0)

# Log-odds by question: one answer in eight goes against what was asked, one in five where improvements are
# asked for, since a wish need not be a complaint. "Short lectures" says little by itself and is a plain answer
# to either question: where merits or shortcomings are asked for, one answer in twenty is taken to be neutral.
_LEAN_OF_QUESTION = {Asks.PRAISE: 2.0, Asks.BLAME: -2.0, Asks.WISHES: -1.4, Asks.ANYTHING: 0.0}
_NEUTRAL_BY_QUESTION = {Asks.PRAISE: -1.8, Asks.BLAME: -1.8, Asks.WISHES: -0.2, Asks.ANYTHING: 0.0}

_CERTAIN = 6.0

# A complaint beside a good score is one all the same: people who are content say what is missing, too. How far
# words must lean to negative, as log-odds, before a score cannot make praise of them.
_COMPLAINS = 0.5
_KEPT = 0.6


def of(text: str, score: float | None, question: str | None, language: str, by_words: Logits) -> Logits:
    """Return what to add to *by_words*, the log-probabilities of negative, neutral and positive of a cleaned *text*.

    *score* is the respondent's own, 0 … 1; *question* what they answered; *language* that of the text. "Nothing"
    is praise where shortcomings were asked for, blame where merits were, and says nothing otherwise.
    """
    asks = kind(question)
    lean, neutral = _LEAN_OF_QUESTION[asks], _NEUTRAL_BY_QUESTION[asks]
    said = nothing.how(text, language)
    if said is Nothing.NO_FAULT:
        lean, neutral = _CERTAIN, 0.0
    elif said is Nothing.NOTHING:
        lean = {Asks.PRAISE: -_CERTAIN, Asks.BLAME: _CERTAIN, Asks.WISHES: _CERTAIN, Asks.ANYTHING: 0.0}[asks]
        if score is not None and abs(score - 0.5) >= 0.25 and (score > 0.5) is (lean < 0):
            lean = 0.0  # whoever is delighted and likes "nothing" has nothing to add
        neutral = 0.0 if lean else _CERTAIN
    elif said is Nothing.NO_ANSWER:
        lean, neutral = 0.0, _CERTAIN
    if score is not None:
        by_score = _between(score, _LEANS)
        against = by_words[0] - by_words[2]
        if by_score > 0 and against > _COMPLAINS and said is None:
            by_score = min(by_score, max(0.0, _KEPT * against - max(lean, 0.0)))
        lean += by_score
        neutral += _between(score, _NEUTRAL_BY_SCORE)
    return -lean / 2, neutral, lean / 2


def any_evidence(text: str, score: float | None, question: str | None, language: str) -> bool:
    """Return whether anything but the words of *text* tells its sentiment."""
    return score is not None or kind(question) is not Asks.ANYTHING or nothing.how(text, language) is not None


def _between(score: float, at_quarters: tuple[float, ...]) -> float:
    """Interpolate linearly between the values given for 0, ¼, ½, ¾ and 1."""
    place = min(max(score, 0.0), 1.0) * (len(at_quarters) - 1)
    below = min(int(place), len(at_quarters) - 2)
    return at_quarters[below] + (place - below) * (at_quarters[below + 1] - at_quarters[below])
