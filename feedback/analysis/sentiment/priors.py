"""What is known of a comment before reading it: the score, the question, and answers like "nothing"."""

import re

from feedback.analysis.sentiment.model import Logits
from feedback.analysis.sentiment.questions import Asks, finds_no_fault, kind, says_nothing

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
_NOT_ANSWERED = re.compile(
    r"\W*+(?:n\s*/\s*a|n\.a\.?|na|not applicable|no (?:(?:further|other|more|additional|"
    r"particular|specific|special|real) )?(?:comments?|answer|opinion|reason)|(?:i )?(?:don't|do not|dont) know|idk|"
    r"not sure|no idea|test|keine angabe|k\.?\s?a\.?|weiß nicht|sans opinion|ne sait pas|no sé|non so|"
    r"weet niet|não sei)\W*",
    re.IGNORECASE,
)


def of(text: str, score: float | None, question: str | None) -> Logits:
    """Return what to add to the log-probabilities of negative, neutral and positive of a cleaned *text*.

    *score* is the respondent's own, 0 … 1; *question* what they answered. "Nothing" is praise where
    shortcomings were asked for, blame where merits were, and says nothing otherwise.
    """
    asks = kind(question)
    lean, neutral = _LEAN_OF_QUESTION[asks], _NEUTRAL_BY_QUESTION[asks]
    if finds_no_fault(text):
        lean, neutral = _CERTAIN, 0.0
    elif says_nothing(text):
        lean = {Asks.PRAISE: -_CERTAIN, Asks.BLAME: _CERTAIN, Asks.WISHES: _CERTAIN, Asks.ANYTHING: 0.0}[asks]
        if score is not None and abs(score - 0.5) >= 0.25 and (score > 0.5) is (lean < 0):
            lean = 0.0  # whoever is delighted and likes "nothing" has nothing to add
        neutral = 0.0 if lean else _CERTAIN
    elif _NOT_ANSWERED.fullmatch(text[:60]):
        lean, neutral = 0.0, _CERTAIN
    if score is not None:
        lean += _between(score, _LEANS)
        neutral += _between(score, _NEUTRAL_BY_SCORE)
    return -lean / 2, neutral, lean / 2


def any_evidence(text: str, score: float | None, question: str | None) -> bool:
    """Return whether anything but the words of *text* tells its sentiment."""
    return (
        score is not None
        or kind(question) is not Asks.ANYTHING
        or _NOT_ANSWERED.fullmatch(text[:60]) is not None
    )


def _between(score: float, at_quarters: tuple[float, ...]) -> float:
    """Interpolate linearly between the values given for 0, ¼, ½, ¾ and 1."""
    place = min(max(score, 0.0), 1.0) * (len(at_quarters) - 1)
    below = min(int(place), len(at_quarters) - 2)
    return at_quarters[below] + (place - below) * (at_quarters[below + 1] - at_quarters[below])
