"""Phrases that mark a topic: short runs of words that its comments have and few others have."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from feedback.analysis.topics import wording
from feedback.analysis.topics.representations import Representation
from feedback.analysis.topics.wording import names_a_matter, stems
from feedback.analysis.topics.wordpieces import fold

READ_PER_TOPIC = 150  # comments looked at for a name; more do not change it
_LONGEST_PHRASE = 5
_CANDIDATES = 80  # phrases of a topic whose meaning is compared
_SHARE = (
    0.3  # exponent: a phrase in all comments is worth more than one in a tenth, but not ten times as much
)
_LENGTH = {1: 0.35, 2: 1.0, 3: 1.1, 4: 1.05, 5: 1.0}  # words: one alone says what, but not what about it
_WORDS = 2.0  # weight of how much of what the topic's comments have in common a phrase's words say
_SAYS_ALL = 4  # words that say all there is to say
_MEANING = 3.0  # weight of how near a phrase is to the topic
_APART = 3.0  # weight of how much nearer it is to this topic than to those beside it
_SAME = 0.6  # share of words in common from which two candidates offer no choice
_SENTENCE = range(3, 11)  # words of a comment that may stand for its topic
_SENTENCES = 60  # comments, the most typical, among which that one is looked for
_NEW = 3.0  # weight of its words that no other candidate has
_LONG = 0.03  # what each of its words costs
_BOUND = 0.6  # share of a word's occurrences that a particle must follow to be part of it
# No piece of what holds digits: "mp3", "AD-2600".
_WHOLE = re.compile(r"(?<![\w-])[^\W\d_]++(?:['’-][^\W\d_]++)*+(?!-?[\d_])")
_MOST_SIGNS = 20  # of a name that has no word


@dataclass
class Phrases:
    """Phrases and stems of one topic: in how many of its comments each stands."""

    comments: int = 0
    counts: Counter = field(default_factory=Counter)
    stems: Counter = field(default_factory=Counter)


def parted(texts: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """`texts` with the hyphen left out of words that are spelled apart as well: "top-up" and "top up" are one."""
    joined: Counter = Counter()
    apart: Counter = Counter()
    for comments in texts.values():
        for comment in comments[:READ_PER_TOPIC]:
            words = wording.RUN.findall(fold(comment))
            joined.update(word for word in words if "-" in word)
            apart.update(map("-".join, pairwise(words)))
    parted = {word for word, count in joined.items() if 2 * apart[word] >= count}
    if not parted:
        return {topic: list(comments) for topic, comments in texts.items()}

    def spelled(found: re.Match[str]) -> str:
        return found[0].replace("-", " ") if fold(found[0]) in parted else found[0]

    return {
        topic: [wording.HYPHENED.sub(spelled, comment) for comment in comments]
        for topic, comments in texts.items()
    }


def bound_verbs(texts: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The verbs that hardly ever go without their particle, with it: a name must not end in "top" of "top up"."""
    alone: Counter = Counter()
    together: Counter = Counter()
    for comments in texts.values():
        for comment in comments[:READ_PER_TOPIC]:
            words = wording.RUN.findall(fold(comment))
            alone.update(words)
            together.update(pair for pair in pairwise(words) if pair[1] in wording.PARTICLES)
    return {
        word: particle
        for (word, particle), count in together.items()
        if word not in wording.STOP and word not in wording.SMALL and count >= max(3, _BOUND * alone[word])
    }


def count(comments: Sequence[str], banned: set[str], bound: Mapping[str, str]) -> Phrases:
    """The phrases of one topic's comments that could be a name, and their stems. No phrase holds a `banned` word, or is
    cut between a verb and the particle that it is `bound` to."""
    found = Phrases(len(comments))
    for comment in comments:
        here = set()
        for part in wording.BREAK.split(fold(comment)):
            words = [word.replace("’", "'") for word in _WHOLE.findall(part)]
            words = [word for word in words if word not in wording.SMALL]
            for start in range(len(words)):
                if words[start] in wording.STOP and words[start] not in wording.BEGINNING:
                    continue
                for end in range(start + 1, min(start + _LONGEST_PHRASE, len(words)) + 1):
                    phrase = tuple(words[start:end])
                    cut = end < len(words) and bound.get(phrase[-1]) == words[end]
                    if not cut and _stands(phrase, bound) and banned.isdisjoint(phrase):
                        here.add(phrase)
        found.counts.update(here)
        found.stems.update(wording.key(tuple(word for word in _spoken(comment) if len(word) > 1)))
    return found


def _spoken(text: str) -> list[str]:
    """The folded words of `text` that say something or turn it round."""
    words = (word.replace("’", "'") for word in wording.RUN.findall(fold(text)))
    return [
        word
        for word in words
        if word in wording.DENIALS or not (word in wording.STOP or word in wording.SMALL)
    ]


def weights(found: Phrases, spread: Counter, topics: int) -> dict[str, float]:
    """For each stem how much it says of the topic, as a share of what its `_SAYS_ALL` best say together."""
    least = 2 if found.comments >= 5 else 1
    weights = {
        stem: math.sqrt(count / found.comments * math.log(1 + topics / spread[stem]))
        for stem, count in found.stems.items()
        if count >= least
    }
    whole = sum(sorted(weights.values(), reverse=True)[:_SAYS_ALL])
    return {stem: weight / whole for stem, weight in weights.items()}


def _worth(stems: Collection[str], weights: Mapping[str, float]) -> float:
    """What stems say together, rounded once: in whatever order a set has them, the sum is the same."""
    return math.fsum(weights.get(stem, 0.0) for stem in stems)


def _stands(phrase: tuple[str, ...], bound: Mapping[str, str]) -> bool:
    """Whether a phrase could be a name: it ends in a word with meaning or in the particle of its verb, repeats
    none, is not one letter and not cut out of the middle of a sentence."""
    return (
        (phrase[-1] not in wording.STOP or (len(phrase) > 1 and bound.get(phrase[-2]) == phrase[-1]))
        and len(set(phrase)) == len(phrase)
        and (len(phrase) > 1 or len(phrase[0]) > 2)
        and all(len(word) < 25 for word in phrase)
        and wording.JOINING.isdisjoint(phrase[1:])
        and not any(wording.LEADING.issuperset(pair) for pair in pairwise(phrase))
    )


def rank(
    topic: str,
    found: Phrases,
    overall: Counter,
    weights: Mapping[str, float],
    vectors: Representation,
    centres: Mapping[str, np.ndarray],
) -> list[tuple[tuple[str, ...], float]]:
    """The phrases of a topic with what each is worth as its name, the best first.

    A phrase is worth more the more comments of the topic have it and the fewer of the other topics (class-based TF-IDF,
    Grootendorst 2022, arXiv:2203.05794), the more its stems say (`weights`), and the nearer its meaning is to the
    topic's centre, above all nearer than to the three centres that are nearest. `overall` has for each phrase the sum
    of its shares of comments over all topics; `centres` has a unit vector for each topic.
    """
    least = 2 if found.comments >= 5 else 1
    scores = {
        phrase: (count / found.comments) ** _SHARE
        * math.log(1 + len(centres) / overall[phrase])
        * _LENGTH[len(phrase)]
        for phrase, count in found.counts.items()
        if count >= least
    }
    top = max(scores.values(), default=1.0)
    for phrase, score in scores.items():
        scores[phrase] = score / top + _WORDS * _worth(wording.key(phrase), weights)
    best = sorted(scores, key=lambda phrase: (-scores[phrase], phrase))[:_CANDIDATES]
    if not best:
        return []
    meaning = vectors.encode([" ".join(phrase) for phrase in best])
    own = meaning @ centres[topic]
    others = np.stack(
        [centre for name, centre in sorted(centres.items()) if name != topic] or [np.zeros_like(own)]
    )
    beside = np.sort(meaning @ others.T, axis=1)[:, -3:].mean(1) if len(centres) > 1 else np.zeros(len(best))
    total = {
        phrase: scores[phrase] + _MEANING * float(own[at]) + _APART * float(own[at] - beside[at])
        for at, phrase in enumerate(best)
    }
    return sorted(total.items(), key=lambda item: (-item[1], item[0]))


def different(
    ranked: Sequence[tuple[tuple[str, ...], float]],
    weights: Mapping[str, float],
    taken: Collection[frozenset[str]],
    good: Callable[[tuple[str, ...]], bool],
) -> list[tuple[str, ...]]:
    """At most two phrases: the best one that says something else than the labels already `taken`, a `good` one if there
    is one, and the one that adds most to it. None where all are taken, one where nothing adds to it."""
    free = [phrase for phrase, _ in ranked if wording.key(phrase) not in taken]
    first = next(
        (phrase for is_so in (good, names_a_matter) for phrase in free if is_so(phrase)),
        free[0] if free else None,
    )
    return [first, *adding(ranked, weights, [first])] if first else []


def adding(
    ranked: Sequence[tuple[tuple[str, ...], float]],
    weights: Mapping[str, float],
    chosen: Sequence[tuple[str, ...]],
) -> list[tuple[str, ...]]:
    """The phrase that adds most to the `chosen` ones and repeats none of them; an empty list if they say everything."""
    keys = [wording.key(phrase) for phrase in chosen]
    said = frozenset().union(*keys)
    added = {}
    for phrase, score in ranked:
        key = wording.key(phrase)
        if key - said and all(len(key & other) / len(key | other) < _SAME for other in keys):
            added[phrase] = score + _worth(key - said, weights)
    return sorted(added, key=lambda phrase: (-added[phrase], phrase))[:1]


def telling_sentence(
    comments: Sequence[str], weights: Mapping[str, float], said: Collection[str], banned: set[str]
) -> str | None:
    """The typical comment that says most of the topic, above all what is not `said` yet, and is short enough
    for a name.
    """
    best, found = -math.inf, None
    for comment in comments[:_SENTENCES]:
        words = wording.RUN.findall(fold(comment))
        if len(words) not in _SENTENCE or not banned.isdisjoint(words):
            continue
        told = stems(comment)
        new = told.difference(said)
        worth = _worth(told - new, weights) + _NEW * _worth(new, weights) - _LONG * len(words)
        if worth > best:
            best, found = worth, comment
    return found.replace("\n", " ").strip(" .!?") if found else None


def signs(comments: Sequence[str]) -> list[str]:
    """The most typical comment of those of signs alone, such as "👍", begun: it names a topic that says no word."""
    found = (comment.strip() for comment in comments if not any(map(str.isalnum, comment)))
    return [comment[:_MOST_SIGNS].strip() for comment in found if comment][:1]


def spelling(texts: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """How each word is written inside a sentence, where its capitals are its own: "PIN", "ATM", "iPhone"; in small
    letters where it only begins one."""
    seen: dict[str, Counter] = defaultdict(Counter)
    first: dict[str, str] = {}
    for comments in texts.values():
        for comment in comments[:READ_PER_TOPIC]:
            if comment.isupper():
                continue
            for part in wording.BREAK.split(comment):
                words = wording.RUN.findall(part)
                first |= {fold(word): word.lower() for word in words[:1]}
                for word in words[1:]:
                    seen[fold(word)][word] += 1
    return first | {word: ways.most_common(1)[0][0] for word, ways in seen.items()}


def write(phrase: tuple[str, ...], spoken: Mapping[str, str], capital: bool = True) -> str:
    """A phrase as text, each word as `spoken` has it (`spelling`); with a `capital` letter at its beginning if this is
    asked for."""
    words = [spoken.get(word, word) for word in phrase]
    text = " ".join(words)
    return text[:1].upper() + text[1:] if capital else text
