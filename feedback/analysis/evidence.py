"""Finds in a comment the phrases that put it into its topic."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from feedback.analysis.topics import wording
from feedback.analysis.topics.representations import Representation
from feedback.analysis.topics.wordpieces import fold

MOST = 3
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_PIECE = re.compile(r"\w+")
_SMALL = 5  # letters at most of a word that may stand between those of a term
_LONGEST = 40  # words of a comment that are looked at; its topic is plain by then


#: The pieces of a term, each with the sign that joins it to the piece before ("'" in "can't"), or None
#: where a word begins.
Pieces = tuple[tuple[str, str | None], ...]


class Marks:
    """The terms (folded) that mark each topic, the longest first, taken to pieces when they are first asked for.

    The pieces live as long as this object: words that nobody says any more must not be kept.
    """

    def __init__(self, terms: Mapping[str, Sequence[str]]) -> None:
        self._terms = terms
        self._made: dict[str, list[Pieces]] = {}

    def of(self, topic: str) -> list[Pieces]:
        """The terms of `topic` in pieces; one without letters and digits has none and is left out."""
        if topic not in self._made:
            ordered = sorted(self._terms.get(topic, ()), key=_longest_first)
            self._made[topic] = [pieces for term in ordered if (pieces := _pieces(term))]
        return self._made[topic]


def phrases(
    texts: Sequence[str],
    topics: Sequence[str],
    marks: Marks,
    centres: Mapping[str, np.ndarray],
    vectors: Representation,
) -> list[list[str]]:
    """For each of `texts`, cleaned: at most `MOST` of its own phrases that speak of its topic, as they are written.

    Phrases that mark the topic (`marks`) come first. A text without one gives its words that mean the nearest to the
    topic's centre; neighbouring words become one phrase.
    """
    words = [list(_WORD.finditer(text))[:_LONGEST] for text in texts]
    found = [_marked(text, marks.of(topic)) for text, topic in zip(texts, topics, strict=True)]
    silent = {
        at: [(each, word) for each in words[at] if wording.says_something(word := fold(each.group()))]
        for at, marked in enumerate(found)
        if not marked and topics[at] in centres
    }
    known = sorted({word for here in silent.values() for _, word in here})
    row = {word: at for at, word in enumerate(known)}
    meaning = vectors.encode(known) if known else np.zeros((0, vectors.dimensions), np.float32)
    for at, here in silent.items():
        if here:
            close = meaning[[row[word] for _, word in here]] @ centres[topics[at]]
            best = sorted(np.argsort(-close, kind="stable")[:2].tolist())
            found[at] = _joined(texts[at], [here[each][0] for each in best if close[each] > 0])
    return found


def _longest_first(term: str) -> tuple[int, str]:
    return -len(term), term


def _plain(joint: str) -> str:
    """`joint` with the plain apostrophe in place of the curly one that telephones write."""
    return joint.replace("’", "'")


def _pieces(term: str) -> Pieces:
    made: list[tuple[str, str | None]] = []
    for word in term.split():
        if word.isalnum():  # nearly all
            made.append((word, None))
            continue
        end = None
        for piece in _PIECE.finditer(word):
            made.append((piece.group(), None if end is None else _plain(word[end : piece.start()])))
            end = piece.end()
    return tuple(made)


def _marked(text: str, terms: Sequence[Pieces]) -> list[str]:
    """The `terms` that stand in `text`, as written there. A term inside another one counts only once."""
    said = list(_PIECE.finditer(text))
    folded = [fold(piece.group()) for piece in said]
    there = set(folded)
    found: list[str] = []
    for pieces in terms:
        if not all([piece in there for piece, _ in pieces]):
            continue
        words = _occurrence(text, said, folded, pieces)
        if words and not any(words.lower() in longer.lower() for longer in found):
            found.append(words)
            if len(found) == MOST:
                break
    return found


def _occurrence(
    text: str, said: Sequence[re.Match[str]], folded: Sequence[str], pieces: Pieces
) -> str | None:
    """Where `text` first says a term, with small words between its own, as written there.

    Step by step, and not by a regular expression for each term: making one takes as long as placing a comment.
    """

    def end(at: int, next_: int) -> int | None:
        if next_ == len(pieces):
            return said[at].end()
        piece, joined_by = pieces[next_]
        small = joined_by is None and at + 2 < len(said) and len(folded[at + 1]) <= _SMALL
        for to in (at + 2, at + 1) if small else (at + 1,):
            if to < len(said) and folded[to] == piece:
                joined = joined_by is None or _plain(text[said[at].end() : said[to].start()]) == joined_by
                found = end(to, next_ + 1) if joined else None
                if found is not None:
                    return found
        return None

    for at, piece in enumerate(folded):
        if piece == pieces[0][0]:
            found = end(at, 1)
            if found is not None:
                return text[said[at].start() : found]
    return None


def _joined(text: str, words: Sequence[re.Match[str]]) -> list[str]:
    """The words as phrases. Two words with nothing but a space between them make one phrase."""
    if len(words) == 2 and text[words[0].end() : words[1].start()].isspace():
        return [text[words[0].start() : words[1].end()]]
    return list(dict.fromkeys(each.group() for each in words))
