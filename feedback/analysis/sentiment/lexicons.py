"""Reads German, Spanish, French, Italian, Dutch and Portuguese by openly licensed lists of words."""

import gzip
import math
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files

from feedback.analysis.sentiment.features import NEGATED, Sentence, tokens
from feedback.analysis.sentiment.model import Logits

SHIPPED = "models/sentiment-lexicons.tsv.gz"
LANGUAGES = frozenset({"de", "es", "fr", "it", "nl", "pt"})

_NEGATIONS = {
    "de": frozenset("nicht kein keine keinen keiner keinem nie niemals ohne weder kaum".split()),
    "es": frozenset("no nunca sin ni tampoco nada jamás ningún ninguna".split()),
    "fr": frozenset("pas jamais aucun aucune sans ni guère".split()),
    "it": frozenset("non mai senza né nessun nessuna".split()),
    "nl": frozenset("niet geen nooit zonder nauwelijks".split()),
    "pt": frozenset("não nunca sem nem jamais nenhum nenhuma".split()),
}
_SCOPE = 3
_TURNED = -0.7
_STEEPNESS = 3.5
_NEUTRAL = 0.3


def take_apart(sentence: str, language: str) -> Sentence:
    """Measure one cleaned *sentence* by the lexicon of *language*, one of `LANGUAGES`.

    `assessed` of the result counts the words found; `textblob` is their mean value, −1 … 1, negation reckoned
    in.
    """
    words = tokens(sentence)
    keys = _mark_negated(words, _NEGATIONS[language])
    value = leaning(language)
    values = [found for key in keys if (found := value(key))]
    return Sentence(
        words=words, keys=keys, vader=0.0, vader_positive=0.0, vader_negative=0.0,
        textblob=sum(values) / len(values) if values else 0.0,
        subjectivity=0.0, assessed=len(values), exclaims=words.count("!"), asks="?" in words, shouts=0.0,
    )  # fmt: skip


def logits(sentences: Sequence[Sentence]) -> Logits:
    """Return the log-probabilities of negative, neutral and positive: the more words agree, the surer."""
    count = sum(sentence.assessed for sentence in sentences)
    total = sum(sentence.textblob * sentence.assessed for sentence in sentences)
    lean = _STEEPNESS * total / math.sqrt(count) if count else 0.0
    return -lean, _NEUTRAL, lean


@cache
def leaning(language: str) -> Callable[[str], float]:
    """Return a function from a word (or negated word) to its value in *language*, −1 … 1, and 0 when
    unknown."""
    lexicon = _lexicon(language)

    def value(key: str) -> float:
        return lexicon.get(key[1:], 0.0) * _TURNED if key.startswith(NEGATED) else lexicon.get(key, 0.0)

    return value


@cache
def _lexicon(language: str) -> dict[str, float]:
    """Read the words of one language from the shipped list."""
    with gzip.open(str(files("feedback.analysis") / SHIPPED), "rt", encoding="utf-8") as stream:
        rows = (line.rstrip("\n").split("\t") for line in stream)
        return {word: float(value) for tag, word, value in rows if tag == language}


def _mark_negated(words: list[str], negations: frozenset[str]) -> list[str]:
    """Prefix the words in the scope of a negation: the next `_SCOPE`, up to a mark."""
    marked, left = [], 0
    for word in words:
        if not word[0].isalpha():
            left = 0
        marked.append(NEGATED + word if left and word not in negations else word)
        left = _SCOPE if word in negations else max(left - 1, 0)
    return marked
