"""Names topics in the words of those who commented: short phrases that this topic has and few others have."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType

import numpy as np

from feedback.analysis import textblob_files
from feedback.analysis.topics import matters, own_words
from feedback.analysis.topics.representations import Representation
from feedback.analysis.topics.vectors import unit
from feedback.analysis.topics.wordpieces import LONGEST_WORD, fold

READ_PER_TOPIC = 150  # comments looked at for a name; more do not change it
_LONGEST_PHRASE = 5
_LONGEST_NAME = 4  # words
_CANDIDATES = 80  # phrases of a topic whose meaning is compared
_TERMS = 12  # phrases kept that mark a topic
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
# A matter names a topic where so many of its comments speak of it (share; of one of some trades alone, mostly), and it
# is so near (cosine) …
_SPOKEN, _MOSTLY, _NEAR = 0.3, 0.5, 0.25
_ENOUGH = ((_SPOKEN, 0.0), (0.18, 0.3), (0.08, _MOSTLY))  # shares that speak of it, and that mean it
_AT_HOME = (
    0.03  # share of all comments that speak of what a matter has in common with others, for it to be at home
)
_TRIED = 8  # phrases, the best, of which one may name a topic by itself
_LITTLE = 0.3  # how much comments mean a matter, of which few speak, where they have nothing in common
_MANY = 10  # comments from which on a topic may say that it has nothing in common
_PASSING = 0.15  # share for topics that no phrase makes a name of
_NEAR_ALONE = (
    0.4  # cosine from which nearness is enough, where nobody speaks of it and nothing else names a topic
)
_BOTH = 0.4  # share from which a topic that speaks of two matters is called by both
_SAME_MEANING = 0.6  # cosine from which two names say the same
# … the better, the more of its comments speak of it, and mean it rather than another matter (the weights of both beside
# that of nearness).
_SPOKEN_WEIGHT, _MEANT_WEIGHT = 0.6, 0.4
_MEANT = (1.0, 0.5, 0.25)  # what the nearest matters of a comment get, the first most
_WEIGHED_ON = 50  # comments of a topic, evenly, that are asked for each matter's words
_AMONG_NEAREST = 8  # matters, the nearest to a comment, of which it surely speaks where it says their words …
_CLUE_MEANS, _CLUES_MEAN = 0.45, 0.35  # … as it does from so near on, of one word, and of several
_BY_MEANING = 0.6  # what it counts that a comment is nearest to a matter, and plainly near, without its words
_MEANT_AT_ALL, _MEANT_PLAINLY = 0.45, 0.55  # cosines: half as much from the first on
_UNPARTED = frozenset(("ja", "zh", "ar"))  # languages in which words run together, or begin with small ones
_READ_UNPARTED, _LONGEST_UNPARTED = 150, 10  # letters
_COMPOUNDING = frozenset(("de", "nl"))
_BEGINS, _PARTS = 4, 6  # letters from which a word may stand for those that begin with it, and that hold it
MEANT_ON = 40  # comments of a topic, the most typical, whose meaning is asked for the matter
# How far a matter may be behind the best one, whose name another topic has, to name a topic: as good as it, or farther
# behind and spoken of by so many of the comments.
_BEHIND, _PLAINLY = 0.4, 0.3
# From which share of the comments on a topic is called by what several matters have in common: that of one matter is so
# much less.
_IN_COMMON, _FAR_MORE, _NEARLY_ALL = 0.5, 0.2, 0.8
_OVERALL = "Overall experience"  # the matter of those who tell feelings alone …
_FEELINGS = frozenset(
    ("General praise", "General disappointment", "Overall impression", _OVERALL)
)  # … and what else they may be called
# Whatever says little is near to these: they name a topic only where they are said.
_EMPTY = frozenset(("Nothing to add", "No complaints", "Everything fine"))
_NEAREST = 12  # matters, near enough, that are tried where nothing else names a topic
_LARGER = 0.25  # what twice as many comments are worth beside how well a matter fits
_DISTINCT = 3.0  # how many times as often as in the others what marks a topic is said in it
_CARRIED = 0.2  # share of the comments that a phrase must stand in; of one word, twice as many
_PHRASED = frozenset(
    "de en es fr it nl pt".split()
)  # languages whose words can be told from their small words
_THINGS_TOLD = frozenset(("de", "en"))  # languages whose things can be told from what is done with them
_FIFTH = 5
_MOST_SIGNS = 20  # of a name that has no word

_RUN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_HYPHENED = re.compile(r"(?<![^\W\d_])[^\W\d_]++(?:['’-][^\W\d_]++)+")
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
    able ago already always anywhere anything came come currently definitely everything forever happen happened
    happening help immediately lately mean means reason reasons recently said saying soon today tomorrow tonight
    yesterday
""")
_SMALL = _words(  # left out inside a phrase too
    "a an the my your our their his her its this that these those is are was were am do does did "
    "i you me we us they them he she it "
)
_DENIALS = _words("no not never can't cannot won't doesn't isn't didn't")  # turn a phrase round
_BEGINNING = _words("no not never can't cannot")  # may begin one; with the others it is a question cut in two
_NO_NAME = _words("""
    anytime broke disappointment lacked never overall perfectly place spicy tasty amazing annoying appalling
    average awesome awful bad badly beautiful best better big bit brilliant decent delicious disappointed
    disappointing disgusting excellent fabulous fantastic fine friendly gorgeous good great happy hard helpful
    highly horrible impressed impressive incredible incredibly joke kind lovely mediocre nice outstanding
    perfect pleasant pleased poor poorly rude sad satisfied superb terrible thrilled ugly unacceptable unhappy
    useless wonderful worse worst worth worthless wrong absolutely actually almost anymore apparently barely
    basically clearly completely constantly easily especially enough exactly extremely fairly finally fully
    generally hardly honestly instead literally mostly nearly normally obviously often particularly perhaps
    personally pretty probably quickly quite rarely rather seriously simply slightly sometimes super totally
    truly twice unfortunately usually whatsoever yesterday back away add answer answered arrived ask asked
    became become began believe bought bring brought called came care change come coming cost described
    disappoint enjoy expect expected feel feels felt fit fits find found gave give hate hear heard hope keep
    keeps kept knew know knows learn leave left listen listened order orders mistake mistakes rang ring like
    liked live look looked looking looks lost love loved loves made meet miss move offer offered ordered paid
    pick picked prefer put reach reached read recommend received ran run running saw say seem seemed seems seen
    send sent showed shows sit sold speak spend spent start started stay stayed stop stopped sure surprised talk
    tasted tell thinking thought told took tried turn turned understand visit waited walk walked wanted went
    wish wonder wondering work worked working works write wrote january february march april june july august
    september october november december monday tuesday wednesday thursday friday saturday sunday am pm morning
    evening night week weeks month months year years day days hour hours minute minutes time times ago amp
    everyone everybody somebody someone anyone anybody nobody guy guys lady man woman people person folks lot
    lots much stuff kinda plus star stars couple dear hi hey bye thank wow yes ok omg lol first second third one
    two three four five six seven eight nine ten zero half dozen continue right next sentence page spot very charm
    none nothing biscuit summer winter autumn thx far fixed questions mail code problem problems thing things
    category everywhere nowhere
""")
_JUDGING = _words(  # how people find a matter, and no part of it
    "easy easier simple simply difficult expensive cheap cheaper large larger small smaller little big tiny long short "
    "longer shorter heavy light quick quicker fast faster slow slower old last ready full strong weak clear nice cute "
    "compact limited able available many several whole overall other others various important high low higher lower"
)
_PLAIN = _words(  # say too little beside the name of a matter
    "money cash card cards currency currencies account option options eating product products device devices item "
    "items funds new feature features"
)
_JOINING = _words(  # with one inside, a phrase is cut out of a sentence or a question
    "although and because but can could have if since should so than that then though unless until when where "
    "whether which while who why will would"
)
_LEADING = _words("about at by for from in into of on to with")  # two in a row had a small word between them
_PARTICLES = _words("up in out off on down over back away")  # may belong to the verb before: "top up"
_BOUND = 0.6  # share of a word's occurrences that a particle must follow to be part of it
_ENDINGS = tuple(  # with the fewest letters left before them, the longest first
    (ending, least)
    for least, endings in (
        (4, "ications ication ations ating ation ates ated ying ions ate ies ied ion ly y"),
        (3, "ings ing ed es s e"),
    )
    for ending in endings.split()
)


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
    """A matter that a topic may speak of: its number, the share of comments that speak of it, that of those that do so
    in its words (`worded`), and how much they mean it; how well it fits, and whether it surely does."""

    number: int
    spoken: float
    worded: float
    meant: float
    score: float
    sure: bool


@dataclass(frozen=True)
class _Fits:
    """What a topic may speak of: matters, the best first, and what several matters have in common, with the share of
    comments that speak of one of these, the largest first; and the matters that come nearest, for where nothing else
    names it."""

    matters: Sequence[_Fit]
    broader: Sequence[tuple[str, float]]
    nearest: Sequence[int] = ()


@dataclass(frozen=True)
class _Mark:
    """What marks a topic beside a matter's name: the `label` with both, the mark `alone`, and the share of comments
    that say it."""

    label: str
    alone: str
    share: float


@dataclass
class _Phrases:
    """Phrases and stems of one topic: in how many of its comments each stands."""

    comments: int = 0
    counts: Counter = field(default_factory=Counter)
    stems: Counter = field(default_factory=Counter)


def name(
    texts: Mapping[str, Sequence[str]],
    centres: Mapping[str, np.ndarray],
    vectors: Representation,
    never: Collection[str] = (),
    kept: Mapping[str, str] = MappingProxyType({}),
    meant: Mapping[str, np.ndarray] | None = None,
) -> dict[str, Name]:
    """Names for topics. Each topic id comes with some of its cleaned comments, the most typical first, with the mean
    direction of what they mean, and with which matters they mean (`meant_matters`; read anew where that is not given).

    A topic is called by the matter that it speaks of (`matters`), if a good part of its comments does so in words that
    are known or by what it means, and the meaning is near. Where another topic has that matter's name and no other one
    fits nearly as well, what marks the topic stands beside it ("Delivery time: tents"). Where no matter fits, a topic
    is called by a run of one to four words that a good part of the comments has: a thing, without feelings, deeds and
    dates. Three things rank such phrases: class-based TF-IDF (Grootendorst 2022, arXiv:2203.05794), how many of the
    words that mark this topic they hold, and how much nearer their meaning is to this topic than to the others. Words
    in `never` (brands, people) stand in no name. Read without case, endings and order of words, all labels differ from
    each other and from those in `kept`, which topics or others have already. Topics that a matter fits well, and large
    ones, choose first: twice as many comments count as much as fitting better by `_LARGER`.

    The label is English where a fifth of the comments are, else in their commonest language.
    """
    banned = {fold(word) for entry in never for word in _RUN.findall(entry)}
    texts = _parted(texts)
    said = _by_language(texts, vectors)
    main = {topic: _main(own) for topic, own in said.items()}
    phrasing = {
        language: _Phrasing(
            language,
            {t: own[language] for t, own in said.items() if language in own},
            centres,
            vectors,
            banned,
        )
        for language in sorted({language for own in said.values() for language in own})
    }
    if meant is None:
        meant = {
            topic: meant_matters(vectors.encode(comments), vectors, comments)
            for topic, comments in texts.items()
        }
    fits = _fits(texts, main, centres, meant, vectors)
    # Comments that are compared by their own words are as far from one matter as from any other.
    fits |= {topic: _Fits((), ()) for topic, language in main.items() if language in vectors.apart}
    # Where two have the same claim, what they say decides: ids are chance, and which of two is called by a matter is
    # not to be.
    plain = {topic: max((fit.score for fit in fits[topic].matters), default=0.0) for topic in texts}
    claim = {topic: plain[topic] + _LARGER * math.log2(1 + len(own)) for topic, own in texts.items()}
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


def plain_matters(
    texts: Mapping[int, Sequence[str]],
    centres: np.ndarray,
    means: Mapping[int, np.ndarray],
    vectors: Representation,
) -> tuple[dict[int, int], set[int]]:
    """The number of the matter that each group of comments plainly speaks of, and which numbers are of feelings alone;
    groups that speak of none, or of none plainly, are left out. What is given is of the kinds that `name` takes, by the
    group's number."""
    said = {str(number): list(comments) for number, comments in texts.items()}
    main = {group: _main(own) for group, own in _by_language(said, vectors).items()}
    # Comments that are compared by their own words are as far from one matter as from any other.
    said = {group: own for group, own in said.items() if main.get(group, "en") not in vectors.apart}
    fits = _fits(
        said,
        main,
        {group: centres[int(group)] for group in said},
        {str(number): meant for number, meant in means.items()},
        vectors,
    )
    best = {int(group): fit.matters[0] for group, fit in fits.items() if fit.matters}
    feelings = {at for at, matter in enumerate(matters.load("en")) if matter.name in _FEELINGS}
    return {
        group: fit.number
        for group, fit in best.items()
        if (fit.sure or fit.number in feelings) and max(fit.spoken, fit.meant) >= _PLAINLY
    }, feelings


def meant_matters(rows: np.ndarray, vectors: Representation, texts: Sequence[str] = ()) -> np.ndarray:
    """Of which matters comments speak, given as unit vectors, the most typical first, and as `texts`: how much the most
    typical mean each matter rather than another one, in the mean, and what several have in common; what share of all
    speaks of each, and of what several have in common; and what share says each matter's words."""
    known = _known_matters(vectors)
    found = np.zeros(len(known.rows), np.float32)
    typical = rows[:MEANT_ON]
    broader = np.zeros((len(typical), len(known.under)), np.float32)
    for nearest, worth in zip(_best_of_each(typical @ known.rows.T, len(_MEANT)), _MEANT, strict=False):
        np.add.at(found, nearest, worth / max(1, len(typical)))
        broader = np.maximum(broader, worth * known.under[:, nearest].T)
    some = slice(None, None, max(1, len(texts) // _WEIGHED_ON))
    spoken = _spoken_of(texts[some], rows[: len(texts)][some], known, vectors)
    return np.concatenate([found, broader.sum(0) / max(1, len(typical)), *spoken])


def _best_of_each(close: np.ndarray, many: int) -> list[np.ndarray]:
    """The columns with the largest numbers of each row: those with the largest, those with the next, as `many`."""
    left, found = close.copy(), []
    for _ in range(min(many, close.shape[1])):
        found.append(left.argmax(1))
        np.put_along_axis(left, found[-1][:, None], -np.inf, 1)
    return found


def stems(text: str) -> frozenset[str]:
    """The words with meaning in `text`, without endings: what two names that read alike have in common."""
    return _key(tuple(_RUN.findall(fold(text))))


def names_a_matter(phrase: tuple[str, ...]) -> bool:
    """Whether a phrase may be what a topic is called: it tells no feeling, no deed and no date, and is not long."""
    return len(phrase) <= _LONGEST_NAME and _NO_NAME.isdisjoint(phrase) and _BEGINNING.isdisjoint(phrase)


def is_a_thing(phrase: tuple[str, ...]) -> bool:
    """Whether an English phrase is a noun with what stands before it or of what it is: "late delivery", "waste of
    money"; a word that nobody knows is taken for one."""
    kinds = _kinds()
    last = kinds.get(phrase[-1], "N")
    return (
        last in "NG"
        and all(kinds.get(word, "N") in "NJGI" for word in phrase[:-1])
        and phrase[0] not in _LEADING
    )


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    """The folded English words that are nothing but names of people, places and firms, by the same lexicon."""
    lines = (textblob_files.folder() / "en" / "en-lexicon.txt").read_text("utf-8").splitlines()
    parted = (line.partition(" ") for line in lines)
    return (
        frozenset(fold(word) for word, _, tag in parted if tag[:3] == "NNP" and word.istitle())
        - _kinds().keys()
    )


@lru_cache(maxsize=1)
def _kinds() -> dict[str, str]:
    """What English words mostly are, a letter each: N thing, J quality, G doing, I preposition, V anything else. By
    the lexicon of the Brill tagger, as TextBlob carries it."""
    kinds = {
        "NN": "N",
        "NNS": "N",
        "NNP": "N",
        "NNPS": "N",
        "JJ": "J",
        "VBN": "J",
        "VBG": "G",
        "IN": "I",
        "TO": "I",
    }
    found = {}
    for line in (textblob_files.folder() / "en" / "en-lexicon.txt").read_text("utf-8").splitlines():
        word, _, tag = line.partition(" ")
        if word.isalpha() and word == word.lower():
            found[word] = kinds.get(tag.split()[0], "V") if tag else "V"
    return found


def says_something(word: str) -> bool:
    """Whether a folded `word` has a meaning of its own and is not one that any sentence may hold."""
    return len(word) > 2 and word not in _STOP and word not in _SMALL


def _parted(texts: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """`texts` with the hyphen left out of words that are spelled apart as well: "top-up" and "top up" are one."""
    joined: Counter = Counter()
    apart: Counter = Counter()
    for comments in texts.values():
        for comment in comments[:READ_PER_TOPIC]:
            words = _RUN.findall(fold(comment))
            joined.update(word for word in words if "-" in word)
            apart.update(map("-".join, pairwise(words)))
    parted = {word for word, count in joined.items() if 2 * apart[word] >= count}
    if not parted:
        return {topic: list(comments) for topic, comments in texts.items()}

    def spelled(found: re.Match[str]) -> str:
        return found[0].replace("-", " ") if fold(found[0]) in parted else found[0]

    return {
        topic: [_HYPHENED.sub(spelled, comment) for comment in comments] for topic, comments in texts.items()
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
        self._bound = _bound(texts)
        self._phrases = {topic: self._counted(comments) for topic, comments in texts.items()}
        self._overall: Counter = Counter()
        self._spread: Counter = Counter()
        for found in self._phrases.values():
            many = max(1, found.comments)
            self._overall.update({phrase: count / many for phrase, count in found.counts.items()})
            self._spread.update({stem: count / many for stem, count in found.stems.items()})
        self._spoken = _spelling(texts)

    def name(self, topic: str, fits: _Fits, taken: Collection[frozenset[str]]) -> Name:
        """The whole name of a topic, other than what is `taken`."""
        weights = _weights(self._phrases[topic], self._spread, len(self.texts))
        ranked = self._ranked(topic, weights)
        label = self._matter(topic, fits, taken, ranked)
        named = [label] if label else []
        chosen = _different(ranked, weights, {*taken, *map(stems, named)}, self._is_good(topic))
        chosen = chosen[: 2 - len(named)]
        candidates = named + [self._written(phrase) for phrase in chosen]
        known = {stem for phrase in chosen for stem in _key(phrase)}
        sentence = _telling_sentence(self.texts[topic], weights, known, self._banned)
        if sentence:
            candidates.append(sentence[:1].upper() + sentence[1:])
        elif chosen:
            chosen += _adding(ranked, weights, chosen)
            candidates = named + [self._written(phrase) for phrase in chosen]
        candidates = candidates or _signs(self.texts[topic])
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
        sure = (self._called(fit) for fit in fits.matters if fit.sure)
        return next((own for own in sure if own and stems(own) not in taken), None)

    def _matter(
        self,
        topic: str,
        fits: _Fits,
        taken: Collection[frozenset[str]],
        ranked: Sequence[tuple[tuple[str, ...], float]],
    ) -> str | None:
        """The matter that names a topic, alone or with what marks the topic beside it; None where a phrase does."""
        usable = [(fit, own) for fit in fits.matters if (own := self._called(fit))]
        sure = [(fit, own) for fit, own in usable if fit.sure]
        good = self._is_good(topic)
        has_phrase = any(good(phrase) and _key(phrase) not in taken for phrase, _ in ranked)
        if sure:
            best, own = sure[0]
            if best.worded < _PASSING / 2 and (thing := self._plain_thing(topic, ranked, taken)):
                return thing
            if stems(own) not in taken:
                return own
            if (other := self._of_two(topic, fits, sure, ranked, taken)) is not None:
                return other
        plain = max((fit.spoken for fit, _ in usable[:1]), default=0.0)
        if thing := self._plain_thing(topic, ranked, taken):
            return thing
        if broader := self._broader(fits, plain, taken):
            return broader
        if has_phrase and not sure:
            return None
        vague = not usable or (plain < _SPOKEN and usable[0][0].meant < _LITTLE)
        if vague and (other := self._other(topic, taken)):
            return other
        free = [(fit, own) for fit, own in usable if stems(own) not in taken]
        plainly = [(fit, own) for fit, own in free if usable[0][0].score - fit.score <= _BEHIND]
        feelings = [fit for fit, _ in usable if self._known[fit.number].name in _FEELINGS]
        if plainly:
            return plainly[0][1]
        told = sure and self._known[sure[0][0].number].name not in _FEELINGS
        if told and (two := self._marked_anyhow(topic, sure[0][1], sure[0][0].number, ranked, taken)):
            return two
        if feelings and feelings[0].spoken >= _PLAINLY and (feeling := self._feeling(fits, taken)):
            return feeling
        if has_phrase:
            return None
        if free:
            return free[0][1]
        return self._nearest(fits, taken)

    def _marked_anyhow(
        self,
        topic: str,
        own: str,
        matter: int,
        ranked: Sequence[tuple[tuple[str, ...], float]],
        taken: Collection[frozenset[str]],
    ) -> str | None:
        """A name, that of a matter by its number, with a thing beside it that some of the comments speak of."""
        told = stems(own) | _known_matters(self._vectors).words[matter]
        things = (
            phrase
            for phrase, _ in ranked
            if len(phrase) <= 2
            and self.language in _THINGS_TOLD
            and not _key(phrase) & told
            and names_a_matter(phrase)
            and _JUDGING.isdisjoint(phrase)
            and not any(map(self._is_name, phrase))
            and (self.language != "en" or is_a_thing(phrase))
            and self._share(topic, phrase) >= _CARRIED
        )
        return next((each for each in map(self._marked(own), things) if stems(each) not in taken), None)

    def _other(self, topic: str, taken: Collection[frozenset[str]]) -> str | None:
        """What a topic is called that has nothing in common; None where it is small."""
        if len(self.texts[topic]) < _MANY:
            return None
        names = (matters.translated(name, self.language) for name in matters.OTHERS)
        return next((own for own in names if own and stems(own) not in taken), None)

    def _nearest(self, fits: _Fits, taken: Collection[frozenset[str]]) -> str | None:
        """The nearest matter whose name no other topic has."""
        known = (self._known[number].name for number in fits.nearest)
        told = matters.languages()
        names = (matters.translated(name, self.language) if self.language in told else name for name in known)
        return next(
            (
                own
                for own in names
                if own and stems(own) not in taken and self._banned.isdisjoint(fold(own).split())
            ),
            None,
        )

    def _plain_thing(
        self,
        topic: str,
        ranked: Sequence[tuple[tuple[str, ...], float]],
        taken: Collection[frozenset[str]],
    ) -> str | None:
        """A thing of several words that a good part of the comments speaks of: "Source of funds"."""
        good, found = self._is_good(topic), self._phrases[topic]
        for phrase, _ in ranked[:_TRIED]:
            plainly = found.counts[phrase] >= 2 * _CARRIED * found.comments
            if len(phrase) > 1 and plainly and good(phrase) and _key(phrase) not in taken:
                return self._written(phrase)
        return None

    def _of_two(
        self,
        topic: str,
        fits: _Fits,
        sure: Sequence[tuple[_Fit, str]],
        ranked: Sequence[tuple[tuple[str, ...], float]],
        taken: Collection[frozenset[str]],
    ) -> str | None:
        """What one of two topics is called that speak of a matter whose name the other one has: another matter that is
        about as near, two matters, the matter and what marks this one, a thing, or what is broader."""
        best, own = sure[0]
        name = self._known[best.number].name
        if name in _FEELINGS:
            return self._feeling(fits, taken)
        others = [(fit, each) for fit, each in sure[1:] if self._known[fit.number].name not in _FEELINGS]
        as_good = [
            (fit, each)
            for fit, each in others
            if best.score - fit.score <= _BEHIND and stems(each) not in taken
        ]
        for fit, each in as_good:
            if fit.worded >= _PASSING:
                return each
        for fit, each in others:
            if min(fit.spoken, best.spoken) >= _BOTH and self._are_apart(best.number, fit.number):
                label = matters.together((own, each), self.language)
                if stems(label) not in taken and not stems(each) & stems(own):
                    return label
        for _, each in as_good:
            return each
        mark = self._beside(topic, best.number, own, ranked, taken)
        if mark is not None and mark.share >= _PLAINLY:
            # What more of them say than speak of the matter names them better than the matter does.
            far_more = mark.share >= max(_MOSTLY, 2 * best.spoken)
            return mark.alone if far_more and stems(mark.alone) not in taken else mark.label
        good = self._is_good(topic)
        told = _known_matters(self._vectors).words[best.number]
        for phrase, _ in ranked:
            says_enough = (
                self._share(topic, phrase) >= _MOSTLY
                and self._is_distinct(topic, phrase)
                and not any(_key(phrase) < each for each in taken)
            )
            enough = (len(phrase) > 1 or says_enough) and not _key(phrase) <= told
            if enough and good(phrase) and _JUDGING.isdisjoint(phrase) and _key(phrase) not in taken:
                return self._written(phrase)
        under = matters.broader()
        above = [
            (each, share) for each, share in fits.broader if share >= _NEARLY_ALL and name in under[each]
        ]
        if above_all := self._broader(_Fits((), above), 0.0, taken) or (mark.label if mark else None):
            return above_all
        plainly = (each for fit, each in others if fit.spoken >= _MOSTLY and stems(each) not in taken)
        return next(plainly, None)

    def _are_apart(self, one: int, other: int) -> bool:
        """Whether two matters are two: neither means what the other one does."""
        rows = _known_matters(self._vectors).rows
        return float(rows[one] @ rows[other]) < _SAME_MEANING

    def _broader(self, fits: _Fits, plain: float, taken: Collection[frozenset[str]]) -> str | None:
        """What the matters of most comments have in common, where the share that speaks `plain`ly of one is far less;
        None where there is nothing, or another topic has that name."""
        for name, share in fits.broader:
            if share < max(_IN_COMMON, plain + _FAR_MORE):
                return None
            own = matters.translated(name, self.language) if self.language in matters.languages() else name
            if own and stems(own) not in taken:
                return own
        return None

    def _feeling(self, fits: _Fits, taken: Collection[frozenset[str]]) -> str | None:
        """The name of a topic that speaks of no thing: the overall experience, or the praise or blame that fits best;
        None where other topics have these names."""
        scores = {self._known[fit.number].name: fit.score for fit in fits.matters}
        known = sorted(_FEELINGS & scores.keys(), key=lambda name: (-scores[name], name))
        names = (matters.translated(name, self.language) for name in (_OVERALL, *known))
        return next((own for own in names if own and stems(own) not in taken), None)

    def _beside(
        self,
        topic: str,
        matter: int,
        own: str,
        ranked: Sequence[tuple[tuple[str, ...], float]],
        taken: Collection[frozenset[str]],
    ) -> _Mark | None:
        """A matter's name with what marks the topic, beyond the matter's own words ("Refunds: deposit"): what a good
        part of its comments say and few of the others do."""
        good = self._is_good(topic, 1)
        known = _known_matters(self._vectors)
        told = known.words[matter]
        for phrase, _ in ranked:
            if (
                len(phrase) <= 2
                and self.language in _THINGS_TOLD
                and good(phrase)
                and self._is_distinct(topic, phrase)
                and _PLAIN.isdisjoint(phrase)
                and _JUDGING.isdisjoint(phrase)
                and not _key(phrase) & (stems(own) | told)
                and float(self._vectors.encode([" ".join(phrase)])[0] @ known.rows[matter]) < _SAME_MEANING
                and "".join(phrase) not in re.sub(r"\W", "", fold(own))
            ):
                label = self._marked(own)(phrase)
                if stems(label) not in taken:
                    return _Mark(label, self._written(phrase), self._share(topic, phrase))
        return None

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
        return self.language == "en" and (self._spoken.get(word, word).istitle() or word in _names())

    def _marked(self, own: str) -> Callable[[tuple[str, ...]], str]:
        """Puts a phrase beside a matter's name."""
        return lambda phrase: (
            f"{own}{matters.BESIDE}{_write(phrase, self._spoken, capital=self.language == 'de')}"
        )

    def _called(self, fit: _Fit) -> str | None:
        """The name of a matter in this language, or in English where no matter has a name in this language. None where
        only this matter has no name here, or where its name holds a brand."""
        name = self._known[fit.number].name
        own = matters.translated(name, self.language) if self.language in matters.languages() else name
        return own if own and self._banned.isdisjoint(fold(own).split()) else None

    def _written(self, phrase: tuple[str, ...]) -> str:
        """A phrase as a name; one that says what a matter is called is called as that: "gift card" as "Gift cards"."""
        return _called_alike(self.language).get(_key(phrase)) or _write(phrase, self._spoken)

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
                and (len(phrase) > 1 or phrase[0] not in _PLAIN)
                and not any(map(self._is_name, phrase))
                and found.counts[phrase] >= share
                and (self.language != "en" or is_a_thing(phrase))
                and (self.language != "de" or self._spoken.get(phrase[-1], "")[:1].isupper())
            )

        return good

    def _counted(self, comments: Sequence[str]) -> _Phrases:
        own = comments[:READ_PER_TOPIC]
        banned = self._banned
        if self.language in self._vectors.apart:
            banned = banned | own_words.common(self.language)
        elif self.language != "en":
            banned = banned | _common(own, self._vectors)
        return _count(own, banned, self._bound)

    def _ranked(self, topic: str, weights: Mapping[str, float]) -> list[tuple[tuple[str, ...], float]]:
        return _rank(topic, self._phrases[topic], self._overall, weights, self._vectors, self._centres)


def _common(comments: Sequence[str], vectors: Representation) -> set[str]:
    """The words of comments that any sentence of their language may hold."""
    return {word for comment in comments for word in _RUN.findall(fold(comment)) if vectors.is_common(word)}


def _fits(
    texts: Mapping[str, Sequence[str]],
    main: Mapping[str, str],
    centres: Mapping[str, np.ndarray],
    means: Mapping[str, np.ndarray],
    vectors: Representation,
) -> dict[str, _Fits]:
    """The matters that each topic may speak of, by its comments' words and meaning, the best first; in other languages
    than English by meaning alone."""
    known = _known_matters(vectors)
    least, rows = known.least, known.rows
    parts = np.cumsum([len(rows), len(known.under), len(rows), len(known.under), len(rows)])
    every = np.array([means[topic] for topic in texts]).reshape(len(texts), parts[-1])
    meant, broader, spoken, of_several, worded = np.split(every, parts[:-1], axis=1)
    names = list(matters.broader())
    usual = [told.mean(0) if len(texts) > 1 else 0.0 for told in (spoken, meant)]
    # A matter of which nothing else in the comments speaks is there only where it is said.
    said = (
        np.stack([worded[:, under].max(1, initial=0.0).mean() for under in known.under])
        if len(texts) > 1
        else 1.0
    )
    usually = np.broadcast_to(said >= _AT_HOME, len(names))
    at_home = (known.under[usually].any(0) | ~known.under.any(0)) & ~known.empty
    found = {}
    for at, topic in enumerate(texts):
        close = rows @ centres[topic]
        score = close + _SPOKEN_WEIGHT * (spoken[at] - usual[0]) + _MEANT_WEIGHT * (meant[at] - usual[1])
        # What is said in another language is near to much that it does not mean.
        enough = _ENOUGH if main.get(topic, "en") == "en" else _ENOUGH[:-1]
        sure = np.any([(spoken[at] >= some) & (meant[at] >= much) for some, much in enough], axis=0)
        sure &= (close >= _NEAR) & (at_home | (worded[at] >= _PASSING))
        likely = (spoken[at] >= _PASSING) & (close >= _NEAR) & (at_home | (worded[at] >= _PASSING))
        order = np.argsort(-score, kind="stable")
        # Even what comes nearest may be far off: what is meant counts from `_NEAR` on.
        near = (known.under & (close >= _NEAR)).any(1)
        shares = np.maximum(np.where(near, broader[at], 0.0), of_several[at])
        found[topic] = _Fits(
            [
                _Fit(
                    int(number),
                    float(spoken[at, number]),
                    float(worded[at, number]),
                    float(meant[at, number]),
                    float(score[number]),
                    bool(sure[number]),
                )
                for number in order
                if likely[number] or sure[number]
            ],
            [(names[number], float(shares[number])) for number in np.argsort(-shares - said, kind="stable")],
            order[(least[order] < _MOSTLY) & ~known.empty[order] & (close[order] >= _NEAR_ALONE)][
                :_NEAREST
            ].tolist(),
        )
    return found


@lru_cache(maxsize=16)
def _called_alike(language: str) -> dict[frozenset[str], str]:
    """The names of matters in a language by what they say, without endings."""
    names = (matters.translated(matter.name, language) for matter in matters.load("en"))
    return {stems(name): name for name in names if name}


@dataclass(frozen=True)
class _Known:
    """All matters: the share of comments that must speak of each (`least`), what each means (`rows`), by the first
    stem of each clue the matter's number and all stems (`clues`), which are `under` what several have in common,
    the stems by which each is spoken of (`words`), and which say nothing (`empty`)."""

    least: np.ndarray
    rows: np.ndarray
    clues: Mapping[str, Sequence[tuple[int, frozenset[str]]]]
    under: np.ndarray
    words: Sequence[frozenset[str]]
    empty: np.ndarray


@lru_cache(maxsize=2)
def _known_matters(vectors: Representation) -> _Known:
    known = matters.load("en")
    clues: dict[str, list[tuple[int, frozenset[str]]]] = defaultdict(list)
    rows = np.zeros((len(known), vectors.dimensions), np.float32)
    for number, matter in enumerate(known):
        rows[number] = vectors.encode([matter.name, *matter.clues]).sum(0)
        for clue in filter(None, {_clue(said) for said in (matter.name, *matter.clues)}):
            clues[min(clue)].append((number, clue))
    under = np.array([[matter.name in some for matter in known] for some in matters.broader().values()])
    least = np.array([_MOSTLY if matter.special else _SPOKEN for matter in known])
    words = [
        frozenset(stem for said in matter.clues for stem in stems(said) if len(said.split()) <= 2)
        for matter in known
    ]
    empty = np.array([matter.name in _EMPTY for matter in known])
    return _Known(least, unit(rows), dict(clues), under, words, empty)


def _spoken_of(
    some: Sequence[str], rows: np.ndarray, known: _Known, vectors: Representation
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The share of comments, given with their unit vectors, that speak of each matter, of what several have in common,
    and that say each matter's words. Who says these counts once, where what is said means it too; who means it without
    them, by half."""
    if not len(some):
        return np.zeros(len(known.rows)), np.zeros(len(known.under)), np.zeros(len(known.rows))
    close = rows @ known.rows.T
    evidence = np.zeros(close.shape, np.float32)
    every = np.arange(len(some))
    best = _best_of_each(close, _AMONG_NEAREST)
    for nearest, worth in zip(best, _MEANT, strict=False):
        near = close[every, nearest]
        evidence[every, nearest] = (
            worth * _BY_MEANING * ((near >= _MEANT_PLAINLY) + (near >= _MEANT_AT_ALL)) / 2
        )
    least = close[every, best[-1]]
    for at, comment in enumerate(some):
        language = vectors.language_of(comment)
        if language != "en":
            evidence[at, list(_told_in(comment, language))] = 1.0
            continue
        for number, words in _told(comment, known).items():
            here = close[at, number]
            if here >= (_CLUES_MEAN if words > 1 else _CLUE_MEANS) or here >= max(least[at], _NEAR):
                evidence[at, number] = 1.0
    worded = (evidence == 1.0).mean(0)
    several = np.stack([evidence[:, under].max(1, initial=0.0) for under in known.under], 1)
    return evidence.mean(0), several.mean(0), worded


def _told(comment: str, known: _Known) -> dict[int, int]:
    """The numbers of the matters whose words a comment says, and of how many words the longest clue of each is."""
    said = stems(comment)
    found: dict[int, int] = {}
    for stem in said:
        for number, clue in known.clues.get(stem, ()):
            if clue <= said:
                found[number] = max(len(clue), found.get(number, 0))
    return found


def _told_in(comment: str, language: str) -> set[int]:
    """The numbers of the matters whose words a comment in a language other than English says."""
    clues = _clues_in(language)
    if not clues:
        return set()
    here = _pieces(comment, language)
    return {number for piece in here for number, clue in clues.get(piece, ()) if clue <= here}


@lru_cache(maxsize=32)
def _clues_in(language: str) -> dict[str, list[tuple[int, frozenset[str]]]]:
    """By the longest word of each clue in a language the matter's number and all its words; the names of matters are
    clues too."""
    numbers = {matter.name: number for number, matter in enumerate(matters.load("en"))}
    found: dict[str, list[tuple[int, frozenset[str]]]] = defaultdict(list)
    for name, clues in matters.said(language).items():
        for clue in clues:
            words = frozenset([fold(clue)] if language in _UNPARTED else _RUN.findall(fold(clue)))
            found[max(sorted(words), key=len)].append((numbers[name], words))
    return dict(found)


def _pieces(comment: str, language: str) -> set[str]:
    """The words of a comment in another language and what longer ones begin with; where words are compounded or not
    parted, all that may be a word in them."""
    if language in _UNPARTED:
        text = fold(comment)[:_READ_UNPARTED]
        return {
            text[begin:end]
            for begin in range(len(text))
            for end in range(begin + 1, min(begin + _LONGEST_UNPARTED, len(text)) + 1)
        }
    words = _RUN.findall(fold(comment))
    found = set(words)
    for word in words:
        # What is longer is no word, and has as many parts as the cube of its letters.
        if len(word) > LONGEST_WORD:
            continue
        found.update(word[:end] for end in range(_BEGINS, len(word)))
        if language in _COMPOUNDING:
            ends = range(_PARTS, len(word) + 1)
            found.update(word[begin:end] for end in ends for begin in range(1, end - _PARTS + 1))
    return found


def _clue(said: str) -> frozenset[str]:
    """The stems by which words speak of a matter; none where they would say less than the words do: "days off"."""
    words = [word for word in _RUN.findall(fold(said)) if word not in _SMALL]
    found = stems(said)
    return found if len(found) == len(words) and not _STOP.issuperset(words) else frozenset()


def _bound(texts: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The verbs that hardly ever go without their particle, with it: a name must not end in "top" of "top up"."""
    alone: Counter = Counter()
    together: Counter = Counter()
    for comments in texts.values():
        for comment in comments[:READ_PER_TOPIC]:
            words = _RUN.findall(fold(comment))
            alone.update(words)
            together.update(pair for pair in pairwise(words) if pair[1] in _PARTICLES)
    return {
        word: particle
        for (word, particle), count in together.items()
        if word not in _STOP and word not in _SMALL and count >= max(3, _BOUND * alone[word])
    }


def _count(comments: Sequence[str], banned: set[str], bound: Mapping[str, str]) -> _Phrases:
    found = _Phrases(len(comments))
    for comment in comments:
        here = set()
        for part in _BREAK.split(fold(comment)):
            words = [word.replace("’", "'") for word in _RUN.findall(part)]
            words = [word for word in words if word not in _SMALL]
            for start in range(len(words)):
                if words[start] in _STOP and words[start] not in _BEGINNING:
                    continue
                for end in range(start + 1, min(start + _LONGEST_PHRASE, len(words)) + 1):
                    phrase = tuple(words[start:end])
                    cut = end < len(words) and bound.get(phrase[-1]) == words[end]
                    if not cut and _stands(phrase, bound) and banned.isdisjoint(phrase):
                        here.add(phrase)
        found.counts.update(here)
        found.stems.update(_key(tuple(word for word in _spoken(comment) if len(word) > 1)))
    return found


def _spoken(text: str) -> list[str]:
    """The folded words of `text` that say something or turn it round."""
    words = (word.replace("’", "'") for word in _RUN.findall(fold(text)))
    return [word for word in words if word in _DENIALS or not (word in _STOP or word in _SMALL)]


def _weights(found: _Phrases, spread: Counter, topics: int) -> dict[str, float]:
    """For each stem how much it says of the topic, as a share of what its `_SAYS_ALL` best say together."""
    least = 2 if found.comments >= 5 else 1
    weights = {
        stem: math.sqrt(count / found.comments * math.log(1 + topics / spread[stem]))
        for stem, count in found.stems.items()
        if count >= least
    }
    whole = sum(sorted(weights.values(), reverse=True)[:_SAYS_ALL])
    return {stem: weight / whole for stem, weight in weights.items()}


def _stands(phrase: tuple[str, ...], bound: Mapping[str, str]) -> bool:
    """Whether a phrase could be a name: it ends in a word with meaning or in the particle of its verb, repeats
    none, is not one letter and not cut out of the middle of a sentence."""
    return (
        (phrase[-1] not in _STOP or (len(phrase) > 1 and bound.get(phrase[-2]) == phrase[-1]))
        and len(set(phrase)) == len(phrase)
        and (len(phrase) > 1 or len(phrase[0]) > 2)
        and all(len(word) < 25 for word in phrase)
        and _JOINING.isdisjoint(phrase[1:])
        and not any(_LEADING.issuperset(pair) for pair in pairwise(phrase))
    )


def _rank(
    topic: str,
    found: _Phrases,
    overall: Counter,
    weights: Mapping[str, float],
    vectors: Representation,
    centres: Mapping[str, np.ndarray],
) -> list[tuple[tuple[str, ...], float]]:
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
        scores[phrase] = score / top + _WORDS * sum(weights.get(stem, 0.0) for stem in _key(phrase))
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


def _different(
    ranked: Sequence[tuple[tuple[str, ...], float]],
    weights: Mapping[str, float],
    taken: Collection[frozenset[str]],
    good: Callable[[tuple[str, ...]], bool],
) -> list[tuple[str, ...]]:
    """Two phrases: the best one that says something else than the labels already `taken`, a `good` one if there is
    one, and the one that adds most to it.
    """
    free = [phrase for phrase, _ in ranked if _key(phrase) not in taken]
    first = next(
        (phrase for is_so in (good, names_a_matter) for phrase in free if is_so(phrase)),
        free[0] if free else None,
    )
    return [first, *_adding(ranked, weights, [first])] if first else []


def _adding(
    ranked: Sequence[tuple[tuple[str, ...], float]],
    weights: Mapping[str, float],
    chosen: Sequence[tuple[str, ...]],
) -> list[tuple[str, ...]]:
    """The phrase that adds most to the `chosen` ones and repeats none of them; None when they say everything."""
    keys = [_key(phrase) for phrase in chosen]
    said = frozenset().union(*keys)
    added = {}
    for phrase, score in ranked:
        key = _key(phrase)
        if key - said and all(len(key & other) / len(key | other) < _SAME for other in keys):
            added[phrase] = score + sum(weights.get(stem, 0.0) for stem in key - said)
    return sorted(added, key=lambda phrase: (-added[phrase], phrase))[:1]


def _telling_sentence(
    comments: Sequence[str], weights: Mapping[str, float], said: Collection[str], banned: set[str]
) -> str | None:
    """The typical comment that says most of the topic, above all what is not `said` yet, and is short enough
    for a name.
    """
    best, found = -math.inf, None
    for comment in comments[:_SENTENCES]:
        words = _RUN.findall(fold(comment))
        if len(words) not in _SENTENCE or not banned.isdisjoint(words):
            continue
        told = ((stem, weights.get(stem, 0.0)) for stem in stems(comment))
        worth = sum(weight * (1.0 if stem in said else _NEW) for stem, weight in told) - _LONG * len(words)
        if worth > best:
            best, found = worth, comment
    return found.replace("\n", " ").strip(" .!?") if found else None


def _signs(comments: Sequence[str]) -> list[str]:
    """The most typical comment of those of signs alone, such as "👍", begun: it names a topic that says no word."""
    found = (comment.strip() for comment in comments if not any(map(str.isalnum, comment)))
    return [comment[:_MOST_SIGNS].strip() for comment in found if comment][:1]


def _key(phrase: tuple[str, ...]) -> frozenset[str]:
    """The stems of a phrase without order and stop words: two phrases with the same key say the same."""
    words = [part for word in phrase for part in word.split("-")]
    return frozenset(_stem(word) for word in words if word not in _STOP or word in _DENIALS) or frozenset(
        words
    )


def _stem(word: str) -> str:
    for ending, least in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= least:
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


def _spelling(texts: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """How each word is written inside a sentence, where its capitals are its own: "PIN", "ATM", "iPhone"; in small
    letters where it only begins one."""
    seen: dict[str, Counter] = defaultdict(Counter)
    first: dict[str, str] = {}
    for comments in texts.values():
        for comment in comments[:READ_PER_TOPIC]:
            if comment.isupper():
                continue
            for part in _BREAK.split(comment):
                words = _RUN.findall(part)
                first |= {fold(word): word.lower() for word in words[:1]}
                for word in words[1:]:
                    seen[fold(word)][word] += 1
    return first | {word: ways.most_common(1)[0][0] for word, ways in seen.items()}


def _write(phrase: tuple[str, ...], spoken: Mapping[str, str], capital: bool = True) -> str:
    words = [spoken.get(word, word) for word in phrase]
    text = " ".join(words)
    return text[:1].upper() + text[1:] if capital else text
