"""Names topics in the words of those who commented: short phrases that this topic has and few others have."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

import numpy as np

from feedback.analysis.topics import matters
from feedback.analysis.topics.representations import Representation
from feedback.analysis.topics.vectors import unit
from feedback.analysis.topics.wordpieces import fold

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
_SPOKEN, _MOSTLY, _NEAR = 0.12, 0.5, 0.25
_SPOKEN_WEIGHT = 0.6  # … the more of both the better
_PASSING = 0.3  # share of what is asked otherwise; for topics that no phrase makes a name of
_NEAR_ALONE = 0.45  # cosine from which nearness is enough, where the words of a matter are not known
_FIFTH = 5

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
    two three four five six seven eight nine ten half dozen continue right next sentence page spot very charm
    biscuit thx problem problems thing things category everywhere nowhere
""")
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
    """

    candidates: tuple[str, ...]
    terms: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The best candidate; empty when the topic's comments have no word."""
        return self.candidates[0] if self.candidates else ""


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
    kept: Collection[str] = (),
) -> dict[str, Name]:
    """Names for topics. Each topic id comes with some of its cleaned comments, the most typical first, and the mean
    direction of what they mean.

    A topic is called by the matter that it speaks of (`matters`), if a good part of its comments does so in words that
    are known and the meaning is near. What else it may be called, and what it is called where no matter fits, is a run
    of one to five words in the comments that no stop word begins or ends; the label tells no feeling, deed or date if
    another is there. Three things give such a phrase its score: class-based TF-IDF (Grootendorst 2022,
    arXiv:2203.05794), how many of the words that mark this topic it holds, and how much nearer its meaning is to this
    topic than to the others. Words in `never` (brands, people) stand in no name. Read without case, endings and order
    of words, all labels differ from each other and from those in
    `kept`. Larger topics choose first.
    """
    banned = {fold(word) for entry in never for word in _RUN.findall(entry)}
    languages, texts = _in_one_language(texts, vectors)
    texts = _parted(texts)
    bound = _bound(texts)
    phrases = {
        topic: _count(
            comments[:READ_PER_TOPIC],
            banned if languages[topic] == "en" else banned | _common(comments[:READ_PER_TOPIC], vectors),
            bound,
        )
        for topic, comments in texts.items()
    }
    overall: Counter = Counter()
    spread: Counter = Counter()
    for found in phrases.values():
        overall.update({phrase: count / max(1, found.comments) for phrase, count in found.counts.items()})
        spread.update({stem: count / max(1, found.comments) for stem, count in found.stems.items()})
    # Of equally large ones by what they say: ids are chance, and which of two is called by a matter is not to be.
    order = sorted(texts, key=lambda topic: (-len(texts[topic]), *texts[topic][:1], topic))
    spoken = _spelling(texts)
    taken = {stems(label) for label in kept}
    speaking = _matters(texts, languages, centres, vectors, banned)
    names = {}
    for topic in order:
        weights = _weights(phrases[topic], spread, len(texts))
        ranked = _rank(topic, phrases[topic], overall, weights, vectors, centres)
        sure, likely = ([each for each in some if stems(each) not in taken] for some in speaking[topic])
        free = (phrase for phrase, _ in ranked if _key(phrase) not in taken)
        named = (sure or ([] if any(map(names_a_matter, free)) else likely))[:1]
        chosen = _different(ranked, weights, taken | set(map(stems, named)))[: 2 - len(named)]
        candidates = named + [_write(phrase, spoken) for phrase in chosen]
        said = {stem for phrase in chosen for stem in _key(phrase)}
        sentence = _telling_sentence(texts[topic], weights, said, banned)
        if sentence:
            candidates.append(sentence[:1].upper() + sentence[1:])
        elif chosen:
            chosen += _adding(ranked, weights, chosen)
            candidates = named + [_write(phrase, spoken) for phrase in chosen]
        terms = [*chosen, *(phrase for phrase, _ in ranked[:_TERMS])]
        names[topic] = Name(
            tuple(dict.fromkeys(candidates)), tuple(dict.fromkeys(" ".join(phrase) for phrase in terms))
        )
        if candidates:
            taken.add(stems(candidates[0]))
    return names


def stems(text: str) -> frozenset[str]:
    """The words with meaning in `text`, without endings: what two names that read alike have in common."""
    return _key(tuple(_RUN.findall(fold(text))))


def names_a_matter(phrase: tuple[str, ...]) -> bool:
    """Whether a phrase may be what a topic is called: it tells no feeling, no deed and no date, and is not long."""
    return len(phrase) <= _LONGEST_NAME and _NO_NAME.isdisjoint(phrase) and _BEGINNING.isdisjoint(phrase)


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


def _in_one_language(
    texts: Mapping[str, Sequence[str]], vectors: Representation
) -> tuple[dict[str, str], dict[str, Sequence[str]]]:
    """The language that each topic is named in, and its comments in that.

    It is English where a fifth of them are English, else the commonest.
    """
    languages: dict[str, str] = {}
    own: dict[str, Sequence[str]] = {}
    for topic, comments in texts.items():
        spoken = [vectors.language_of(comment) for comment in comments]
        often = Counter(spoken)
        languages[topic] = "en" if often["en"] * _FIFTH >= len(comments) else often.most_common(1)[0][0]
        own[topic] = [
            comment
            for comment, language in zip(comments, spoken, strict=True)
            if language == languages[topic]
        ]
    return languages, own


def _common(comments: Sequence[str], vectors: Representation) -> set[str]:
    """The words of comments that any sentence of their language may hold."""
    return {word for comment in comments for word in _RUN.findall(fold(comment)) if vectors.is_common(word)}


def _matters(
    texts: Mapping[str, Sequence[str]],
    languages: Mapping[str, str],
    centres: Mapping[str, np.ndarray],
    vectors: Representation,
    banned: set[str],
) -> dict[str, tuple[list[str], list[str]]]:
    """The names of the matters that each topic speaks of, by its comments' words and its meaning, the best first; in
    other languages than English by its meaning alone. Those that are sure, and those that are likely."""
    known, least, rows, clues = _known_matters(vectors)
    spoken = np.zeros((len(texts), len(known)))
    for at, comments in enumerate(texts.values()):
        for comment in comments[:READ_PER_TOPIC]:
            said = stems(comment)
            spoken[
                at, list({number for stem in said for number, clue in clues.get(stem, ()) if clue <= said})
            ] += 1
        spoken[at] /= max(1, len(comments[:READ_PER_TOPIC]))
    usual = spoken.mean(0) if len(texts) > 1 else 0.0
    found = {}
    for at, topic in enumerate(texts):
        close = rows @ centres[topic]
        score = close + _SPOKEN_WEIGHT * (spoken[at] - usual)
        asked = [spoken[at] >= least * share for share in (1, _PASSING)]
        fits = [enough & (close >= _NEAR) for enough in asked]
        if languages[topic] != "en":
            score, fits = close, [close >= _NEAR_ALONE, close >= _NEAR]
        order = np.argsort(-score, kind="stable").tolist()
        names = [matters.translated(each, languages[topic]) for each in known]
        usable = [name and banned.isdisjoint(fold(name).split()) for name in names]
        sure, likely = ([str(names[n]) for n in order if some[n] and usable[n]] for some in fits)
        found[topic] = sure, likely
    return found


@lru_cache(maxsize=2)
def _known_matters(
    vectors: Representation,
) -> tuple[list[str], np.ndarray, np.ndarray, dict[str, list[tuple[int, frozenset[str]]]]]:
    """Names of matters, the share of comments that must speak of each, what each means, and by the first stem of each
    clue: the matter's number and all stems."""
    known = matters.load("en")
    clues: dict[str, list[tuple[int, frozenset[str]]]] = defaultdict(list)
    rows = np.zeros((len(known), vectors.dimensions), np.float32)
    for number, matter in enumerate(known):
        rows[number] = vectors.encode([matter.name, *matter.clues]).sum(0)
        for clue in filter(None, {_clue(said) for said in (matter.name, *matter.clues)}):
            clues[min(clue)].append((number, clue))
    least = np.array([_MOSTLY if matter.special else _SPOKEN for matter in known])
    return [matter.name for matter in known], least, unit(rows), dict(clues)


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
) -> list[tuple[str, ...]]:
    """Two phrases: the best one that says something else than the labels already `taken`, and the one that adds
    most to it.
    """
    free = [phrase for phrase, _ in ranked if _key(phrase) not in taken]
    first = next((phrase for phrase in free if names_a_matter(phrase)), free[0] if free else None)
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


def _key(phrase: tuple[str, ...]) -> frozenset[str]:
    """What a phrase says without order, stop words and endings."""
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
