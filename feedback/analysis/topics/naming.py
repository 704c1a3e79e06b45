"""Names topics by what their comments speak of: by a matter, or by a phrase that this topic has and few others have."""

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType

import numpy as np

from feedback.analysis.topics import matters, own_words, phrases, spoken, wording
from feedback.analysis.topics.representations import Representation
from feedback.analysis.topics.spoken import Spoken
from feedback.analysis.topics.wording import is_a_thing, names_a_matter, stems
from feedback.analysis.topics.wordpieces import fold

READ_ON = 60  # comments of a topic, evenly out of all, that are asked what they speak of
_TERMS = 12  # phrases kept that mark a topic

# Shares of a topic's comments. The numbers were set on the reviews, requests and remarks that `docs/names.md` tells of.
# … that must speak of a matter or nearly of it, for it to name the topic, and to name it in other languages too.
_AT_ALL, _SURELY = 0.2, 0.35
# … that must speak of the very matter; of one of commands, or that nobody else speaks of, it is half.
_OWN = 0.1
_HALF = 0.5
_ALONE = 0.45  # … that tell feelings alone, from which a topic is one of feelings
_ALSO = 0.25  # … from which a second matter stands in the name too
_LIKE = 0.7  # … as a part of that which speaks of the first one
_BOTH = 0.55  # … from which two matters together name it
_BESIDE = 0.15  # … from which a second matter stands behind the best one's name
_CARRIED = 0.2  # … that a phrase must stand in; of one word, twice as many
_NEARLY_ALL = 0.8  # … that say the same thing, from which it is what they are about
_VAGUE = 0.25  # … that speak of one matter, below which a topic may have nothing in common
_COMMON = 0.5  # … that say one word, from which it has that in common
# Shares of all comments.
_AT_HOME = 0.03  # … that speak of a trade, from which its matters are at home
_UNKNOWN = 0.2  # … that may have nothing in common that is known
_TOO_LARGE = 0.08  # … that no topic has which is put together of several far apart

# What names are worth beside the share of the comments that they are right for: of two matters, of what several have in
# common, and with a mark beside the matter's name that some, or few, say; what a phrase is that many say; and what it
# is worth that a topic has nothing in common.
_OF_TWO, _OF_BROADER, _MARKED, _HARDLY_MARKED, _BY_PHRASE, _HARDLY = 0.8, 0.5, 0.85, 0.45, 0.4, 0.15
_WITH_KIND = 0.7  # with a kind of it behind the matter's name
_FIRST, _LAST = 10.0, 0.01  # before all others, and where nothing else is left
_LARGER = 0.2  # what twice as many comments are worth beside how well a matter fits
_FOREIGN = 0.05  # how likely a matter is whose trade is not at home
_SAME_MEANING = 0.6  # cosine from which a phrase says the same as a matter
_APART = 0.3  # how much two matters are the same that are two
_DISTINCT = 3.0  # how many times as often as in the others what marks a topic is said in it
_LEAST = 2  # comments that say what stands beside a matter
_TRIED = 8  # phrases, the best, of which one may name a topic by itself
_SEVERAL = 8  # topics that speak of a matter, from which its name tells none of them from the others
_NEAREST = 5  # matters that are tried where nothing else is left
_MANY = 10  # comments from which on a topic may say that it has nothing in common
_FIFTH = 5  # of the comments are enough for an English name

# The matters of those who tell feelings alone.
_FEELINGS = ("Overall experience", "General praise", "General disappointment", "Overall impression")
# Whatever says little is near to these: they name no topic beside one that speaks of a thing.
_EMPTY = frozenset(("Nothing to add", "No complaints", "Everything fine", "Thanks"))
# The trades of those who tell a machine what to do.
_COMMANDS = ("Assistant", "Lists and reminders", "Knowledge questions")
# Languages whose words can be told from their small words, and whose things from what is done with them.
_PHRASED, _THINGS_TOLD = frozenset("de en es fr it nl pt".split()), frozenset(("de", "en"))


@dataclass(frozen=True)
class Name:
    """What a topic may be called.

    `candidates`: the best one first, all different: a matter and a phrase or two phrases, and a comment that adds what
    they leave unsaid (a third phrase where no comment is short enough). `terms`: the phrases that mark the topic.
    `language`: that of the label; `names`: what the topic is called in each language of its comments, that one too.
    """

    candidates: tuple[str, ...]
    terms: tuple[str, ...] = ()
    language: str = "en"
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The best candidate; empty when the topic's comments have no word."""
        return self.candidates[0] if self.candidates else ""


@dataclass(frozen=True)
class _Fit:
    """A matter that a topic may speak of: its number, the share of comments that speak of it, and of those that speak
    of it or nearly of it (`score`)."""

    number: int
    share: float
    score: float


@dataclass(frozen=True)
class _Fits:
    """What a topic may speak of.

    `matters`: things, the best first. `feelings`: the commonest first; `feeling`: the share of comments that tell
    nothing else. `broader`: what several matters have in common, with the share that speaks of one of these. `most`:
    the share that speaks of the commonest matter or nearly, whether it may name the topic or not. `nearest`: the
    matters that come nearest, for where nothing else is left. `common`: the numbers of the matters that so many topics
    speak of that their names tell none from the others.
    """

    matters: Sequence[_Fit]
    feelings: Sequence[int] = ()
    feeling: float = 0.0
    broader: Sequence[tuple[str, float]] = ()
    most: float = 0.0
    nearest: Sequence[int] = ()
    common: frozenset[int] = frozenset()


def name(
    texts: Mapping[str, Sequence[str]],
    centres: Mapping[str, np.ndarray],
    vectors: Representation,
    never: Collection[str] = (),
    kept: Mapping[str, str] = MappingProxyType({}),
    said: Mapping[str, Spoken] | None = None,
) -> dict[str, Name]:
    """Names for topics. Each topic id comes with some of its cleaned comments, the most typical first, with the mean
    direction of what they mean, and with what its comments may speak of (read anew where that is not given).

    A topic is called by the matter that the most of its comments speak of or nearly speak of (`spoken`), if these are
    enough. Where another topic has that matter's name and no other one fits nearly as well, a second matter or what
    marks the topic stands beside it ("Service & food", "Delivery time: tents"). Where no matter fits, a topic is called
    by what several have in common, or by a run of one to four words that a good part of the comments has: a thing,
    without feelings, deeds and dates (`phrases`). Words in `never` (brands, people) stand in no name. Read without
    case, endings and order of words, all labels differ from each other and from those in `kept`, which topics or others
    have already. Topics that a matter fits well, and large ones, choose first: twice as many comments count as much as
    fitting better by `_LARGER`.

    The label is English where a fifth of the comments are, else in their commonest language.
    """
    banned = {fold(word) for entry in never for word in wording.RUN.findall(entry)}
    texts = phrases.parted(texts)
    by_language = _by_language(texts, vectors)
    main = {topic: _main(own) for topic, own in by_language.items()}
    phrasing = {
        language: _Phrasing(
            language,
            {t: own[language] for t, own in by_language.items() if language in own},
            centres,
            vectors,
            banned,
        )
        for language in sorted({language for own in by_language.values() for language in own})
    }
    if said is None:
        said = {t: spoken.read(own[spoken.evenly(len(own), READ_ON)]) for t, own in texts.items()}
    # Comments that are compared by their own words are as far from one matter as from any other.
    fits = _fits({t: each for t, each in said.items() if main.get(t) not in vectors.apart})
    often = Counter(fit.matters[0].number for fit in fits.values() if fit.matters)
    common = frozenset(number for number, many in often.items() if many >= _SEVERAL)
    fits = {topic: replace(fit, common=common) for topic, fit in fits.items()}
    fits |= {topic: _Fits(()) for topic in texts if topic not in fits}
    # Where two have the same claim, what they say decides: ids are chance, and which of two is called by a matter is
    # not to be.
    claim = {topic: _fit(fits[topic]) + _LARGER * math.log2(1 + len(own)) for topic, own in texts.items()}
    order = sorted(texts, key=lambda topic: (-claim[topic], *texts[topic][:1], topic))
    taken = {stems(label) for label in kept.values()}
    names = {}
    for topic in order:
        own = stems(kept[topic]) if topic in kept else None
        names[topic] = (
            phrasing[main[topic]].name(topic, fits[topic], taken - {own}) if topic in main else Name(())
        )
        if own is None:
            taken.add(stems(names[topic].label))
    for language, each in phrasing.items():
        used = taken | {stems(name.names[language]) for name in names.values() if language in name.names}
        for topic in order:
            if topic in each.texts and language != main[topic]:
                label = each.also(names[topic].label, fits[topic], used)
                if label:
                    used.add(stems(label))
                    names[topic] = replace(names[topic], names={**names[topic].names, language: label})
    return names


def _fit(fits: _Fits) -> float:
    """How well the best name fits a topic. Those that have nothing in common choose first: they ask for little."""
    best = max((fit.score for fit in fits.matters[:1]), default=0.0)
    broader = max((_OF_BROADER * share for _, share in fits.broader[:1]), default=0.0)
    fit = max(best, broader, fits.feeling)
    return fit if fit >= _AT_ALL else _FIRST


@dataclass(frozen=True)
class Plain:
    """What groups of comments plainly speak of.

    `kinds`: the number of the matter of each group that speaks of one. `joined`: groups that are one with another, and
    with which. `vague`: groups that have nothing in common. `best`: the number of the matter of which the most of each
    group speak; `home`: of the groups of a matter the first. `among`: the share of all comments that speaks of each.
    """

    kinds: Mapping[int, int]
    joined: Mapping[int, int]
    vague: Sequence[int]
    best: Mapping[int, int]
    home: Mapping[int, int]
    among: np.ndarray

    def akin(self, groups: np.ndarray, matter: np.ndarray) -> np.ndarray:
        """Whether the matter of each comment is like the one that most of its group speak of, given its group too."""
        same = spoken.same()
        own = np.array([self.best.get(group, -1) for group in groups.tolist()])
        told = np.where(matter < len(same), matter, 0)
        close = np.maximum(same[own, told], same[told, own])
        return (own >= 0) & (matter < len(same)) & (close > _APART)


def plain_matters(
    said: Mapping[int, Spoken],
    texts: Mapping[int, Sequence[str]],
    sizes: Mapping[int, int],
    vectors: Representation,
) -> Plain:
    """What each group of comments plainly speaks of, the largest group first. Given are some comments of each, what
    these may speak of, and how many each has."""
    among, foreign = _at_home(list(said.values()))
    fits = {group: _fit_of(each, among, foreign) for group, each in said.items()}
    feelings: dict[int, int] = {}
    kinds: dict[int, int] = {}
    alone, vague = [], []
    for group, fit in fits.items():
        best = fit.matters[0] if fit.matters else None
        if fit.feeling >= _ALONE and fit.feeling > (best.score if best else 0.0):
            feelings[group] = fit.feelings[0]
        elif best and best.share >= _HALF:
            kinds[group] = best.number
            if all(other.share < _BESIDE for other in fit.matters[1:]):
                alone.append(group)
        elif max(fit.most, fit.feeling) < _VAGUE and _has_nothing_in_common(texts[group], vectors):
            vague.append(group)
    bests = {group: fit.matters[0].number for group, fit in fits.items() if fit.matters}
    home: dict[int, int] = {}
    for group, fit in fits.items():
        if group not in vague and fit.matters and fit.matters[0].share >= _VAGUE:
            home.setdefault(bests[group], group)
    everything = sum(sizes.values())
    joined = _of_one_kind(feelings)
    # Where most have nothing in common that is known, their trade is unknown, and not what they say.
    if sum(sizes[group] for group in vague) <= _UNKNOWN * everything:
        joined |= _of_one_kind(dict.fromkeys(vague, 0))
    # What speaks of the same and of nothing besides is one, be it ever so far apart.
    together = {group: sizes[group] for group in alone}
    for group in sorted(alone):
        first = home.get(bests[group], group)
        if group == first or first not in alone:
            continue
        both = together[first] + sizes[group]
        told_apart = _parts_of(bests[group], texts[group], texts[first], vectors)
        if both <= _TOO_LARGE * everything and not told_apart:
            joined[group] = first
            together[first] = both
    return Plain(kinds, joined, vague, bests, home, among)


def _of_one_kind(kinds: Mapping[int, int]) -> dict[int, int]:
    """Of groups with the number of their kind those that are not the first of theirs, each with that first one."""
    first: dict[int, int] = {}
    for group, kind in kinds.items():
        first.setdefault(kind, group)
    return {group: first[kind] for group, kind in kinds.items() if first[kind] != group}


def _has_nothing_in_common(comments: Sequence[str], vectors: Representation) -> bool:
    """Whether no word that names a thing stands in a good part of comments that speak of no one matter; what comments
    in other languages than English speak of is told less surely."""
    main = _main(_by_language({"": comments}, vectors)[""])
    return main == "en" and not _common_things(comments, vectors)


def _common_things(comments: Sequence[str], vectors: Representation) -> set[str]:
    """The words that a good part of some comments says, each of which may name a thing: of other languages than English
    all but those that any sentence may hold."""
    often = Counter(word for comment in comments for word in set(wording.RUN.findall(fold(comment))))
    english = _main(_by_language({"": comments}, vectors).get("", {"en": ()})) == "en"
    return {
        word
        for word, many in often.items()
        if many >= _COMMON * len(comments)
        and wording.says_something(word)
        and (names_a_matter((word,)) and is_a_thing((word,)) if english else not vectors.is_common(word))
    }


def _parts_of(
    matter: int, comments: Sequence[str], others: Sequence[str], vectors: Representation
) -> set[str]:
    """The words that may stand beside the name of a matter, by its number: those that a good part of some comments says
    and hardly any of others."""
    there = Counter(word for comment in others for word in set(wording.RUN.findall(fold(comment))))
    here = Counter(word for comment in comments for word in set(wording.RUN.findall(fold(comment))))
    return {
        word
        for word in _common_things(comments, vectors)
        if there[word] * _DISTINCT * len(comments) <= here[word] * len(others)
        and spoken.is_said((word,))
        and not wording.key((word,)) & _own_words(matter)
    }


def _by_language(
    texts: Mapping[str, Sequence[str]], vectors: Representation
) -> dict[str, dict[str, list[str]]]:
    """For each topic with comments these in each of their languages."""
    found: dict[str, dict[str, list[str]]] = {}
    for topic, comments in texts.items():
        for comment in comments:
            found.setdefault(topic, {}).setdefault(vectors.language_of(comment), []).append(comment)
    return found


def _main(said: Mapping[str, Sequence[str]]) -> str:
    """The language that a topic is named in: English where a fifth of its comments are, else the commonest."""
    many = {language: len(comments) for language, comments in said.items()}
    if many.get("en", 0) * _FIFTH >= sum(many.values()):
        return "en"
    return max(sorted(many), key=many.__getitem__)


class _Phrasing:
    """The phrases of all topics in one language, and what topics are called in it."""

    def __init__(
        self,
        language: str,
        texts: Mapping[str, Sequence[str]],
        centres: Mapping[str, np.ndarray],
        vectors: Representation,
        banned: set[str],
    ):
        self.language = language
        self.texts = texts
        self._centres = {topic: centres[topic] for topic in texts}
        self._vectors = vectors
        self._banned = banned
        self._known = matters.load("en")
        self._bound = phrases.bound_verbs(texts)
        self._phrases = {topic: self._counted(comments) for topic, comments in texts.items()}
        self._overall: Counter = Counter()
        self._spread: Counter = Counter()
        for found in self._phrases.values():
            many = max(1, found.comments)
            self._overall.update({phrase: count / many for phrase, count in found.counts.items()})
            self._spread.update({stem: count / many for stem, count in found.stems.items()})
        self._spoken = phrases.spelling(texts)
        written = [comment for own in texts.values() for comment in own[:_MANY]]
        self._has_capitals = sum(comment != comment.lower() for comment in written) >= _HALF * len(written)

    def name(self, topic: str, fits: _Fits, taken: Collection[frozenset[str]]) -> Name:
        """The whole name of a topic, other than what is `taken`."""
        weights = phrases.weights(self._phrases[topic], self._spread, len(self.texts))
        ranked = self._ranked(topic, weights)
        label = self._matter(topic, fits, taken, ranked)
        named = [label] if label else []
        chosen = phrases.different(ranked, weights, {*taken, *map(stems, named)}, self._is_good(topic))
        chosen = chosen[: 2 - len(named)]
        candidates = named + [self._written(phrase) for phrase in chosen]
        known = {stem for phrase in chosen for stem in wording.key(phrase)}
        sentence = phrases.telling_sentence(self.texts[topic], weights, known, self._banned)
        if sentence:
            candidates.append(sentence[:1].upper() + sentence[1:])
        elif chosen:
            chosen += phrases.adding(ranked, weights, chosen)
            candidates = named + [self._written(phrase) for phrase in chosen]
        candidates = candidates or phrases.signs(self.texts[topic])
        mark = matters.own_words(label) if label else ""
        terms = [*([mark] if mark else []), *(" ".join(phrase) for phrase in chosen)]
        terms += [" ".join(phrase) for phrase, _ in ranked[:_TERMS]]
        return Name(
            tuple(dict.fromkeys(candidates)),
            tuple(dict.fromkeys(terms)),
            self.language,
            {self.language: candidates[0]} if candidates else {},
        )

    def also(self, label: str, fits: _Fits, taken: Collection[frozenset[str]]) -> str | None:
        """What a topic that is called `label` in another language is called in this one: by the matter that names it
        there, else by one that surely fits; None where there is none, or another topic has it."""
        matter = matters.of(label) or matters.other(label)
        if matter:
            own = matters.translated(matter, self.language)
            return own if own and stems(own) not in taken else None
        sure = (self._called(fit.number) for fit in fits.matters if fit.score >= _SURELY)
        return next((own for own in sure if own and stems(own) not in taken), None)

    def _matter(
        self,
        topic: str,
        fits: _Fits,
        taken: Collection[frozenset[str]],
        ranked: Sequence[tuple[tuple[str, ...], float]],
    ) -> str | None:
        """The name of a topic by what its comments speak of: of all that it may be called, and that no other topic is,
        what fits most of its comments. None where only a phrase does."""
        usable = [(fit, own) for fit in fits.matters if (own := self._called(fit.number))]
        named = self._named(topic, fits, usable, ranked, taken)
        free = [(worth, label) for worth, label in named if stems(label) not in taken]
        return max(free, key=lambda each: each[0], default=(0.0, None))[1]

    def _named(
        self,
        topic: str,
        fits: _Fits,
        usable: Sequence[tuple[_Fit, str]],
        ranked: Sequence[tuple[tuple[str, ...], float]],
        taken: Collection[frozenset[str]],
    ) -> Iterator[tuple[float, str]]:
        """What a topic may be called, and which share of its comments each is about right for. The first of equals is
        the best."""
        yield from ((fit.score, own) for fit, own in usable if fit.score >= _AT_ALL)
        if two := self._two(usable):
            yield two
        if fits.feeling >= _VAGUE and (feeling := self._feeling(fits, taken)):
            yield fits.feeling, feeling
        yield from self._broader(fits)
        yield from self._plain_thing(topic, usable, ranked)
        if usable and stems(usable[0][1]) in taken:
            best, own = usable[0]
            yield from self._with_second(usable)
            for worth, phrase, marked in self._marked(topic, best.number, own, ranked, taken):
                yield worth * best.score, marked
                # Where many topics speak of the matter, it tells less than what this one alone is about.
                if best.number in fits.common and all(map(wording.is_known, phrase)):
                    yield self._share(topic, phrase), self._written(phrase)
        if rest := self._other(topic, taken):
            yield _HARDLY, rest
        yield from ((_LAST, name) for number in fits.nearest if (name := self._called(number)))
        if fits.feeling >= _OWN and (feeling := self._feeling(fits, taken)):
            yield _LAST, feeling

    def _two(self, usable: Sequence[tuple[_Fit, str]]) -> tuple[float, str] | None:
        """The name of two matters of which a topic speaks alike and of hardly any other: "Service & food"."""
        if not usable:
            return None
        best, own = usable[0]
        for fit, each in usable[1:4]:
            both = best.share + fit.share
            if (
                fit.share >= max(_ALSO, _LIKE * best.share)
                and _ALSO <= best.share < _HALF
                and both >= _BOTH
                and spoken.same()[best.number, fit.number] < _APART
                and not stems(each) & stems(own)
                and not self._holds_two((own, each))
            ):
                return _OF_TWO * both, matters.together((own, each), self.language)
        return None

    @staticmethod
    def _holds_two(names: Sequence[str]) -> bool:
        """Whether one of some names speaks of two things itself."""
        return any(matters.BOTH in name or " and " in name for name in names)

    def _with_second(self, usable: Sequence[tuple[_Fit, str]]) -> Iterator[tuple[float, str]]:
        """A matter's name with that of another one, of which fewer comments speak, beside it: "Camera: screen"."""
        yield from ((_LAST, matters.together((usable[0][1], each), self.language)) for _, each in usable[1:4])
        most = max(usable, key=lambda each: each[0].share)
        for best, own in dict.fromkeys((usable[0], most)):
            for fit, each in usable[:4]:
                told = stems(each) - stems(own) and not wording.PLAIN.issuperset(fold(each).split())
                if fit.number == best.number or fit.share < _BESIDE or not told:
                    continue
                beside = own + matters.BESIDE + matters.inside(each, self.language)
                both = matters.together((own, each), self.language)
                same = spoken.same()[best.number, fit.number]
                labels = (beside, both) if same >= _APART or self._holds_two((own, each)) else (both, beside)
                # What is a kind of it says enough by its own name.
                worth = _WITH_KIND if same >= _HALF else _MARKED
                yield from ((worth * best.score, label) for label in labels)

    def _broader(self, fits: _Fits) -> Iterator[tuple[float, str]]:
        """What the matters of most comments have in common."""
        for name, share in fits.broader:
            if share < _HALF:
                return
            if own := self._in_language(name):
                yield _OF_BROADER * share, own

    def _feeling(self, fits: _Fits, taken: Collection[frozenset[str]]) -> str | None:
        """The name of a topic that speaks of no thing: the praise or blame that most comments tell; None where other
        topics have these names."""
        names = (self._called(number) for number in (*fits.feelings, *_feelings()))
        return next((own for own in names if own and stems(own) not in taken), None)

    def _other(self, topic: str, taken: Collection[frozenset[str]]) -> str | None:
        """What a topic is called that has nothing in common; None where it is small."""
        if len(self.texts[topic]) < _MANY:
            return None
        names = map(self._in_language, matters.OTHERS)
        return next((own for own in names if own and stems(own) not in taken), None)

    def _plain_thing(
        self,
        topic: str,
        usable: Sequence[tuple[_Fit, str]],
        ranked: Sequence[tuple[tuple[str, ...], float]],
    ) -> Iterator[tuple[float, str]]:
        """A thing of several words that a good part of the comments speaks of ("Source of funds"). Where nearly all do
        and no others, it is what the topic is about, unless it says what the best matter does."""
        good = self._is_good(topic)
        told = _own_words(usable[0][0].number) if usable else frozenset()
        for phrase, _ in ranked[:_TRIED]:
            share = self._share(topic, phrase)
            if len(phrase) > 1 and share >= 2 * _CARRIED and good(phrase):
                alone = share >= _NEARLY_ALL and self._is_distinct(topic, phrase)
                says_more = alone and self.language == "en" and not wording.key(phrase) & told
                if says_more or self._is_known(phrase):
                    yield (share if says_more else _BY_PHRASE), self._written(phrase)

    def _marked(
        self,
        topic: str,
        matter: int,
        own: str,
        ranked: Sequence[tuple[tuple[str, ...], float]],
        taken: Collection[frozenset[str]],
    ) -> Iterator[tuple[float, tuple[str, ...], str]]:
        """A matter's name with what marks the topic ("Refunds: deposit"), which is given too: beyond the matter's own
        words what the most of its comments say and few of the others do; and the same with what others say too."""
        told = stems(own) | _own_words(matter)
        things = [
            phrase
            for phrase, _ in ranked
            if len(phrase) <= 2
            and self.language in _THINGS_TOLD
            and self._phrases[topic].counts[phrase] >= max(_CARRIED * len(self.texts[topic]), _LEAST)
            and names_a_matter(phrase)
            and (self.language != "en" or is_a_thing(phrase))
            and not any(map(self._is_name, phrase))
            and self._is_known(phrase)
            and wording.JUDGING.isdisjoint(phrase)
            and not wording.key(phrase) & told
            and spoken.nearness(" ".join(phrase), matter) < _SAME_MEANING
            and "".join(phrase) not in re.sub(r"\W", "", fold(own))
        ]
        things.sort(key=lambda phrase: -self._share(topic, phrase))
        for phrase in things:
            label = self._beside(own, matter, phrase)
            if stems(label) not in taken:
                distinct = self._is_distinct(topic, phrase) and wording.PLAIN.isdisjoint(phrase)
                yield (_MARKED if distinct else _HARDLY_MARKED), phrase, label

    def _beside(self, own: str, matter: int, phrase: tuple[str, ...]) -> str:
        """A matter's name, given with its number too, and a phrase beside it, or the name of another matter that the
        phrase says."""
        other, same = _numbered_alike(self.language).get(wording.key(phrase)), spoken.same()
        is_a_product = other is not None and same[_numbers()["Product"], other] >= _HALF
        if other is not None and not is_a_product and same[matter, other] < _APART:
            name = self._called(other)
            if name and not self._holds_two((own, name)):
                return matters.together((own, name), self.language)
        written = phrases.write(phrase, self._spoken, capital=self.language == "de")
        return f"{own}{matters.BESIDE}{written}"

    def _share(self, topic: str, phrase: tuple[str, ...]) -> float:
        """The share of a topic's comments that say a phrase."""
        found = self._phrases[topic]
        return found.counts[phrase] / max(1, found.comments)

    def _is_distinct(self, topic: str, phrase: tuple[str, ...]) -> bool:
        """Whether a phrase is said far more often in this topic than in the others."""
        share = self._share(topic, phrase)
        return share >= _DISTINCT * (self._overall[phrase] - share) / max(1, len(self.texts) - 1)

    def _is_name(self, word: str) -> bool:
        """Whether an English word is mostly written with a capital letter, as people, places and brands are, or is
        known as nothing but a name."""
        return self.language == "en" and (
            self._spoken.get(word, word).istitle() or word in wording.only_names()
        )

    def _is_known(self, phrase: tuple[str, ...]) -> bool:
        """Whether a phrase may stand beside a matter: where nobody writes capital letters, names of makers can be told
        from things by their being unknown alone."""
        return self.language != "en" or self._has_capitals or spoken.is_said(phrase)

    def _called(self, matter: int) -> str | None:
        """The name of a matter, by its number, in this language, or in English where no matter has a name in this
        language. None where only this matter has no name here, or where its name holds a brand."""
        own = self._in_language(self._known[matter].name)
        return own if own and self._banned.isdisjoint(fold(own).split()) else None

    def _in_language(self, name: str) -> str | None:
        """An English name in this language, or as it is where no matter has a name in this language."""
        return matters.translated(name, self.language) if self.language in matters.languages() else name

    def _written(self, phrase: tuple[str, ...]) -> str:
        """A phrase as a name; one that says what a matter is called is called as that: "gift card" as "Gift cards"."""
        return _called_alike(self.language).get(wording.key(phrase)) or phrases.write(phrase, self._spoken)

    def _is_good(self, topic: str, times: int = 2) -> Callable[[tuple[str, ...]], bool]:
        """Whether a phrase may name a topic: a thing that a good part of the comments speaks of."""
        found = self._phrases[topic]

        def good(phrase: tuple[str, ...]) -> bool:
            share = max(
                _CARRIED * (times if len(phrase) == 1 else 1) * found.comments, min(3, found.comments)
            )
            return (
                (self.language in _PHRASED or self.language in self._vectors.apart)
                and names_a_matter(phrase)
                and (len(phrase) > 1 or phrase[0] not in wording.PLAIN)
                and not any(map(self._is_name, phrase))
                and found.counts[phrase] >= share
                and (self.language != "en" or is_a_thing(phrase))
                and (self.language != "de" or self._spoken.get(phrase[-1], "")[:1].isupper())
            )

        return good

    def _counted(self, comments: Sequence[str]) -> phrases.Phrases:
        own = comments[: phrases.READ_PER_TOPIC]
        banned = self._banned
        if self.language in self._vectors.apart:
            banned = banned | own_words.common(self.language)
        elif self.language != "en":
            banned = banned | _common(own, self._vectors)
        return phrases.count(own, banned, self._bound)

    def _ranked(self, topic: str, weights: Mapping[str, float]) -> list[tuple[tuple[str, ...], float]]:
        return phrases.rank(topic, self._phrases[topic], self._overall, weights, self._vectors, self._centres)


def _common(comments: Sequence[str], vectors: Representation) -> set[str]:
    """The words of comments that any sentence of their language may hold."""
    return {
        word for comment in comments for word in wording.RUN.findall(fold(comment)) if vectors.is_common(word)
    }


def _fits(said: Mapping[str, Spoken]) -> dict[str, _Fits]:
    """The matters that each topic may speak of, the best first."""
    if not said:
        return {}
    among, foreign = _at_home(list(said.values()))
    return {topic: _fit_of(each, among, foreign) for topic, each in said.items()}


def _fit_of(said: Spoken, among: np.ndarray, foreign: np.ndarray) -> _Fits:
    """The matters that a topic may speak of, the best first, where so many of all comments speak of each, and some are
    `foreign` to these."""
    feelings, things, rare, special = _feelings(), _things(), _rare(), _special()
    share = spoken.shares(said, among)[:-1]
    score = spoken.same() @ share
    order = sorted(things, key=lambda number: (-score[number], number))
    shares = [(name, float(share[numbers].sum())) for name, numbers in _under()]
    least = np.where(rare | foreign, _HALF, _OWN)
    # Hardly any comment may speak of the whole, where all speak of its parts.
    named = ~(special & foreign) & ((share >= least) | (score >= _HALF) & ~rare & ~foreign)
    return _Fits(
        [_Fit(number, float(share[number]), float(score[number])) for number in order if named[number]],
        sorted(feelings, key=lambda number: (-share[number], number)),
        float(share[feelings].sum()),
        sorted(shares, key=lambda each: (-each[1], each[0])),
        float(score[things].max()),
        [
            number
            for number in order[:_NEAREST]
            if not (rare | foreign)[number] and score[number] >= _AT_ALL / 2
        ],
    )


def _at_home(said: Sequence[Spoken]) -> tuple[np.ndarray, np.ndarray]:
    """Which share of all comments speaks of each matter, and which matters are foreign to these comments: those of
    trades alone of which hardly anybody speaks."""
    among = spoken.usual(said)
    trades, under = matters.trades(), _under()
    home = [name not in trades or among[numbers].sum() >= _AT_HOME for name, numbers in under]
    of = np.array([np.isin(np.arange(len(among)), numbers) for _, numbers in under])
    foreign = of.any(0) & ~(of & np.array(home)[:, None]).any(0)
    return np.where(foreign, among * _FOREIGN, among), foreign[:-1]


@lru_cache(maxsize=1)
def _under() -> list[tuple[str, np.ndarray]]:
    """What several matters have in common, and their numbers."""
    return [(name, np.array([_numbers()[each] for each in some])) for name, some in matters.broader().items()]


@lru_cache(maxsize=1)
def _special() -> np.ndarray:
    """Which matters are those of some trades alone."""
    return np.array([matter.special for matter in matters.load("en")])


@lru_cache(maxsize=1)
def _rare() -> np.ndarray:
    """Which matters are those of commands, or say hardly anything: their words are said in passing elsewhere."""
    under = matters.broader()
    passing = {*_EMPTY, *(name for trade in _COMMANDS for name in under[trade])}
    return np.array(
        [
            matter.name in passing and (matter.special or matter.name in _EMPTY)
            for matter in matters.load("en")
        ]
    )


@lru_cache(maxsize=1)
def _numbers() -> dict[str, int]:
    return {matter.name: number for number, matter in enumerate(matters.load("en"))}


def _feelings() -> list[int]:
    """The numbers of the matters of those who tell feelings alone."""
    return [_numbers()[name] for name in _FEELINGS]


def _things() -> list[int]:
    """The numbers of all other matters that say something."""
    return [number for name, number in _numbers().items() if name not in _FEELINGS]


@lru_cache(maxsize=2048)
def _own_words(matter: int) -> frozenset[str]:
    """The stems by which a matter, by its number, is spoken of: of its short clues, and of several of its examples."""
    name, clues, _ = matters.load("en")[matter]
    often = Counter(stem for said in matters.examples()[name] for stem in stems(said))
    short = {stem for said in clues for stem in stems(said) if len(said.split()) <= 2}
    return frozenset(short | {stem for stem, many in often.items() if many > 1})


@lru_cache(maxsize=16)
def _called_alike(language: str) -> dict[frozenset[str], str]:
    """The names of matters in a language by what they say, without endings."""
    names = (matters.translated(matter.name, language) for matter in matters.load("en"))
    return {stems(name): name for name in names if name}


@lru_cache(maxsize=16)
def _numbered_alike(language: str) -> dict[frozenset[str], int]:
    """The numbers of matters by what their names say in a language, without endings."""
    names = (
        (number, matters.translated(matter.name, language))
        for number, matter in enumerate(matters.load("en"))
    )
    return {stems(name): number for number, name in names if name}
