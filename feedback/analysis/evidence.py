"""Finds in a comment the phrases that put it into its topic."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from feedback.analysis import naming
from feedback.analysis.representations import Representation
from feedback.analysis.wordpieces import fold

MOST = 3
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_LONGEST = 40  # words of a comment that are looked at; its topic is plain by then


def phrases(
    texts: Sequence[str],
    topics: Sequence[str],
    terms: Mapping[str, Sequence[str]],
    centres: Mapping[str, np.ndarray],
    vectors: Representation,
) -> list[list[str]]:
    """For each of `texts`, cleaned, at most `MOST` phrases of its own that speak of its topic, as written.

    Those come first that mark the topic (`terms`, folded); where a text has none of them, its words whose meaning
    is nearest to the topic's centre, neighbours joined to one phrase.
    """
    words = [list(_WORD.finditer(text))[:_LONGEST] for text in texts]
    marks = {topic: _marks(tuple(terms.get(topic, ()))) for topic in set(topics)}
    found = [_marked(text, marks[topic]) for text, topic in zip(texts, topics, strict=True)]
    silent = [at for at, marked in enumerate(found) if not marked and topics[at] in centres]
    known = sorted({fold(each.group()) for at in silent for each in words[at]})
    row = {word: at for at, word in enumerate(known)}
    meaning = vectors.encode(known) if known else np.zeros((0, vectors.dimensions), np.float32)
    for at in silent:
        here = [each for each in words[at] if naming.says_something(fold(each.group()))]
        if here:
            close = meaning[[row[fold(each.group())] for each in here]] @ centres[topics[at]]
            best = sorted(np.argsort(-close, kind="stable")[:2].tolist())
            found[at] = _joined(texts[at], [here[each] for each in best if close[each] > 0])
    return found


@lru_cache(maxsize=4096)
def _marks(terms: tuple[str, ...]) -> list[re.Pattern[str]]:
    """What finds each term as people write it, with small words between its own; the longest first."""
    return [
        re.compile(r"\b" + r"\W+(?:\w{1,5}\W+)?".join(map(re.escape, term.split())) + r"\b", re.I)
        for term in sorted(terms, key=lambda term: (-len(term), term))
    ]


def _marked(text: str, marks: Sequence[re.Pattern[str]]) -> list[str]:
    """The terms that stand in `text`, as written there; one inside another only once."""
    found: list[str] = []
    for mark in marks:
        match = mark.search(text)
        if match and not any(match.group().lower() in longer.lower() for longer in found):
            found.append(match.group())
            if len(found) == MOST:
                break
    return found


def _joined(text: str, words: Sequence[re.Match[str]]) -> list[str]:
    """The words as phrases; two with nothing but a space between them are one."""
    if len(words) == 2 and text[words[0].end() : words[1].start()].isspace():
        return [text[words[0].start() : words[1].end()]]
    return list(dict.fromkeys(each.group() for each in words))
