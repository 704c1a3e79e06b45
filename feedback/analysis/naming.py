"""Names topics in the words of those who commented: short phrases that are theirs and few others'."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from feedback.analysis.vectors import Vectors, fold, unit

READ_PER_TOPIC = 150  # comments looked at for a name; more do not change it
_LONGEST_PHRASE = 4
_CANDIDATES = 60  # phrases of a topic whose meaning is compared
_KEPT = 3
_SHARE = (
    0.4  # exponent: a phrase in all comments is worth more than one in a tenth, but not ten times as much
)
_LENGTH = {1: 0.35, 2: 1.0, 3: 1.1, 4: 1.05}  # words: one alone says what, but not what about it
_MEANING = 3.0  # weight of how near a phrase is to the topic
_APART = 3.0  # weight of how much nearer it is to this topic than to those beside it
_SAME = 0.34  # share of words in common from which two candidates offer no choice
_SENTENCE = range(3, 11)  # words of a comment that may stand for its topic

_RUN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_BREAK = re.compile(r"[.!?,;:()\[\]\"“”\n/|]+")


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_STOP = _words("""
    a about above after again all also am an and any are aren't arent as at be because been before being
    below between both but by can can't cannot cant could couldn't couldnt did didn't didnt do does
    doesn't doesnt doing don't dont down during each else etc even ever few for from further get gets
    getting give given go goes going gonna got had has hasn't hasnt have haven't havent having he hello
    her here hers hi him his how i i'd i'll i'm i've if im in into is isn't isnt it it's its itself ive
    just kindly know let let's like ll made make makes many may me might more most much must my myself
    need needs no nor not now of off ok okay on once one only or other our ours out over own please put
    really s same say says see shall she should so some something still such sure t take tell than thank
    thanks that that's the their them then there there's these they thing things think this those
    through to too try trying u under until up us use used using ve very want wanted wants was wasn't
    wasnt way we well were weren't what what's when where which while who whom why will with won't wont
    would wouldn't yet you your youre yours
""")
_SMALL = _words(  # left out inside a phrase too
    "a an the my your our their his her its this that these those is are was were be been am do does did "
    "i you me we us they them he she it "
)
_DENIALS = _words(
    "no not never can't cannot won't doesn't isn't didn't"
)  # may begin a phrase: they turn it round


@dataclass(frozen=True)
class Name:
    """What a topic may be called: `candidates`, best first and all different, the third a typical comment
    where one is short enough; and `terms`, the phrases that mark it."""

    candidates: tuple[str, ...]
    terms: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The best candidate; empty when the topic's comments have no word."""
        return self.candidates[0] if self.candidates else ""


@dataclass
class _Phrases:
    """Phrases of one topic: in how many of its comments each stands."""

    comments: int = 0
    counts: Counter = field(default_factory=Counter)


def name(
    texts: Mapping[str, Sequence[str]],
    vectors: Vectors,
    never: Collection[str] = (),
    kept: Collection[str] = (),
) -> dict[str, Name]:
    """Names for topics, given for each topic id some of its cleaned comments, most typical first.

    A candidate is a run of one to four words that no stop word begins or ends, found in the comments; it
    scores by class-based TF-IDF (Grootendorst 2022, arXiv:2203.05794) and by how much nearer its meaning
    is to this
    topic than to the others. Words in `never` (brands, people) stand in no name. Labels are all different,
    read
    without case, endings and order of words, and different from those `kept` already; larger topics choose
    first.
    """
    banned = {fold(word) for entry in never for word in _RUN.findall(entry)}
    phrases = {topic: _count(comments[:READ_PER_TOPIC], banned) for topic, comments in texts.items()}
    overall: Counter = Counter()
    for found in phrases.values():
        overall.update({phrase: count / max(1, found.comments) for phrase, count in found.counts.items()})
    centres = _centres(texts, vectors)
    order = sorted(texts, key=lambda topic: (-len(texts[topic]), topic))
    ranked = {topic: _rank(topic, phrases[topic], overall, len(texts), vectors, centres) for topic in order}
    spoken = _spelling(texts)
    taken = {stems(label) for label in kept}
    names = {}
    for topic in order:
        chosen = _different([phrase for phrase, _ in ranked[topic]], taken)
        candidates = [_write(phrase, spoken) for phrase in chosen]
        sentence = _typical_sentence(texts[topic], banned)
        if sentence:
            candidates[2:] = [sentence[:1].upper() + sentence[1:]]
        names[topic] = Name(
            tuple(dict.fromkeys(candidates)),
            tuple(" ".join(phrase) for phrase, _ in ranked[topic][:12]),
        )
        if chosen:
            taken.add(_key(chosen[0]))
    return names


def stems(text: str) -> frozenset[str]:
    """The words with meaning in `text`, without endings: what two names that read alike have in common."""
    return _key(tuple(_RUN.findall(fold(text))))


def says_something(word: str) -> bool:
    """Whether a folded `word` has a meaning of its own and is not one that any sentence may hold."""
    return len(word) > 2 and word not in _STOP and word not in _SMALL


def _count(comments: Sequence[str], banned: set[str]) -> _Phrases:
    found = _Phrases(len(comments))
    for comment in comments:
        here = set()
        for part in _BREAK.split(fold(comment)):
            words = [word.replace("’", "'") for word in _RUN.findall(part)]
            words = [word for word in words if word not in _SMALL]
            for start in range(len(words)):
                if words[start] in _STOP and words[start] not in _DENIALS:
                    continue
                for end in range(start + 1, min(start + _LONGEST_PHRASE, len(words)) + 1):
                    phrase = tuple(words[start:end])
                    if _stands(phrase) and banned.isdisjoint(phrase):
                        here.add(phrase)
        found.counts.update(here)
    return found


def _stands(phrase: tuple[str, ...]) -> bool:
    """Whether a phrase could be a name: it ends in a word with meaning, repeats none and is not one
    letter."""
    return (
        phrase[-1] not in _STOP
        and len(set(phrase)) == len(phrase)
        and (len(phrase) > 1 or len(phrase[0]) > 2)
        and all(len(word) < 25 for word in phrase)
    )


def _rank(
    topic: str,
    found: _Phrases,
    overall: Counter,
    topics: int,
    vectors: Vectors,
    centres: Mapping[str, np.ndarray],
) -> list[tuple[tuple[str, ...], float]]:
    least = 2 if found.comments >= 5 else 1
    scores = {}
    for phrase, count in found.counts.items():
        if count < least:
            continue
        share = count / found.comments
        scores[phrase] = share**_SHARE * math.log(1 + topics / overall[phrase]) * _LENGTH[len(phrase)]
    best = sorted(scores, key=lambda phrase: (-scores[phrase], phrase))[:_CANDIDATES]
    if not best:
        return []
    meaning = vectors.encode([" ".join(phrase) for phrase in best])
    own = meaning @ centres[topic]
    others = np.stack(
        [centre for name, centre in sorted(centres.items()) if name != topic] or [np.zeros_like(own)]
    )
    beside = np.sort(meaning @ others.T, axis=1)[:, -3:].mean(1) if len(centres) > 1 else np.zeros(len(best))
    top = scores[best[0]]
    total = {
        phrase: scores[phrase] / top + _MEANING * float(own[at]) + _APART * float(own[at] - beside[at])
        for at, phrase in enumerate(best)
    }
    return sorted(total.items(), key=lambda item: (-item[1], item[0]))


def _centres(texts: Mapping[str, Sequence[str]], vectors: Vectors) -> dict[str, np.ndarray]:
    return {
        topic: unit(vectors.encode(list(comments[:READ_PER_TOPIC])).sum(0, keepdims=True))[0]
        for topic, comments in texts.items()
    }


def _different(ranked: Sequence[tuple[str, ...]], taken: Collection[frozenset[str]]) -> list[tuple[str, ...]]:
    """The first phrases that neither say the same as one another nor, the first, as a label already
    `taken`."""
    chosen: list[tuple[str, ...]] = []
    keys: list[frozenset[str]] = []
    for phrase in ranked:
        key = _key(phrase)
        if not chosen and key in taken:
            continue
        if any(len(key & other) / len(key | other) >= _SAME for other in keys):
            continue
        chosen.append(phrase)
        keys.append(key)
        if len(chosen) == _KEPT:
            break
    return chosen


def _typical_sentence(comments: Sequence[str], banned: set[str]) -> str | None:
    """The most typical comment that is short enough to be read as a name, if there is one."""
    for comment in comments[:30]:
        words = _RUN.findall(fold(comment))
        if len(words) in _SENTENCE and banned.isdisjoint(words):
            return comment.replace("\n", " ").strip(" .!?")
    return None


def _key(phrase: tuple[str, ...]) -> frozenset[str]:
    """What a phrase says without order, stop words and endings."""
    return frozenset(_stem(word) for word in phrase if word not in _STOP or word in _DENIALS) or frozenset(
        phrase
    )


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s", "e", "ly"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


def _spelling(texts: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """How words are written where they do not begin a sentence: "PIN", "ATM", "iPhone"."""
    seen: dict[str, Counter] = defaultdict(Counter)
    for comments in texts.values():
        for comment in comments[:READ_PER_TOPIC]:
            if comment.isupper():
                continue
            for part in _BREAK.split(comment):
                for word in _RUN.findall(part)[1:]:
                    seen[fold(word)][word] += 1
    return {word: ways.most_common(1)[0][0] for word, ways in seen.items()}


def _write(phrase: tuple[str, ...], spoken: Mapping[str, str]) -> str:
    words = [spoken.get(word, word) for word in phrase]
    text = " ".join(words)
    return text[:1].upper() + text[1:]
