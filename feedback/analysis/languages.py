"""Says which language a comment is written in, or that it cannot be said."""

import gzip
import itertools
import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from feedback.analysis import identifier as identifiers
from feedback.analysis.identifier import Identifier
from feedback.analysis.sentiment.model import shipped

FREQUENT_WORDS = "models/frequent-words.tsv.gz"

LONG_ENOUGH = 40
"""Letters from which a comment's own language outweighs the survey's."""

SURE = 0.9
"""Probability the identifier must reach; with shorter texts it errs in one of four."""

MOST = 0.8
"""Share of a table's longer comments that must agree before its short ones are taken to be in their language."""

_ENOUGH, _ASKED = 5, 500

CANDIDATES = (
    "ar bg bn ca cs da de el en es et fa fi fr he hi hr hu id it ja ko lt lv ms nl nn no pl pt ro ru sk sl "
    "sq sr sv th tr uk ur vi zh"
).split()
"""Languages in which surveys are held; among the identifier's 97, short texts are taken for Latin or
Volapük."""

# Letters that tell one language, or with what else stands there one of few.
_SCRIPTS = (
    ("ja", re.compile("[\u3041-\u30ff]"), frozenset({"ja"})),
    ("ko", re.compile("[\uac00-\ud7a3]"), frozenset({"ko"})),
    ("zh", re.compile("[\u4e00-\u9fff]"), frozenset({"zh", "ja", "yue"})),
    ("hi", re.compile("[\u0904-\u0939]"), frozenset({"hi", "mr", "ne", "sa"})),
    ("he", re.compile("[\u05d0-\u05ea]"), frozenset({"he", "yi"})),
    ("el", re.compile("[\u0370-\u03ff]"), frozenset({"el"})),
    ("th", re.compile("[\u0e01-\u0e3a]"), frozenset({"th"})),
    ("ar", re.compile("[\u0621-\u064a]"), frozenset({"ar", "fa", "ur", "ps", "ku"})),
    ("ru", re.compile("[\u0430-\u044f]"), frozenset({"ru", "uk", "bg", "sr", "mk", "be", "kk"})),
)
_FIRST_OTHER = "\u0370"  # no letter before it is of any of these
# Letters of Persian and Urdu, and of Ukrainian, Serbian and other Cyrillic alphabets, that Arabic and Russian lack.
_OTHERS = {"ar": re.compile("[پچژگٹڈڑےںک]"), "ru": re.compile("[іїєґђјљњћџѓќўәғқңөұүһ]")}
_MOST_OF_A_SCRIPT = 0.5

# Letters and marks that only one language in Latin letters has, for texts without a telling word.
_TELLING = (
    ("es", re.compile("[¿¡ñ]")), ("de", re.compile("ß")), ("pt", re.compile("[ãõ]")), ("pl", re.compile("[łąęśźż]")),
    ("cs", re.compile("[řěů]")), ("tr", re.compile("[ğı]")),
)  # fmt: skip

# Zipf frequency reckoned for a word that is not among a language's frequent ones, how far the likeliest language must
# be ahead (a factor of ten each), and how far where a survey's language speaks against it.
_RARE, _AHEAD, _FAR_AHEAD = 2.5, 1.5, 5.0
_SHARE_KNOWN = 0.5

_LOOKED_AT = 1_000
_WORD = re.compile(r"[^\W\d_]+")
_ASCII_WORD = re.compile("[a-z]+")  # the same in lower ASCII, found in two thirds of the time
_TELLS_ENGLISH = frozenset(
    "the and is are was were with this that you your they have has had it's i'm my we our be been not but "
    "very of to would could should there from what when how which just so all it for".split()
)


def of(text: str, claimed: str | None = None) -> str | None:
    """Return the ISO 639-1 code of the language of *text*, or None when unsure.

    *claimed* is the survey's or the person's language ("de", "de-AT"): it decides for texts shorter than
    `LONG_ENOUGH` letters and for those the identifier is not sure of. Without a claim a text in words that
    the English model knows is English, and one without any letters has no language.
    """
    claim = re.split("[-_]", claimed)[0].lower() if claimed else None
    text = text[:_LOOKED_AT]
    words = (_ASCII_WORD if text.isascii() else _WORD).findall(text.lower())
    letters = sum(map(len, words))
    claim = "nb" if claim in ("no", "nn") else claim
    if not text.isascii() and (written_in := _by_script(text.lower(), letters)) is not None:
        language, others = written_in
        if claim in others:
            return claim
        if language is not None:
            return language
    if claim and letters < LONG_ENOUGH:
        return _against(claim, words) or claim
    if not letters:
        return None
    if text.isascii() and claim in (None, "en") and _reads_as_english(words):
        return "en"
    if letters >= LONG_ENOUGH:
        found, probability = _identified(text)
        if probability >= SURE:
            return found
        if claim:
            return claim
    if (likely := _by_words(words, _AHEAD)) is not None:
        return likely
    if not text.isascii():
        for language, letter in _TELLING:
            if letter.search(text.lower()):
                return language
    knows_most = _knows_most(words)
    if knows_most and all(map(str.isascii, words)):
        return "en"
    if letters < LONG_ENOUGH:  # last, since it takes longer than all else
        found, probability = _identified(text)
    if found == "en" or (knows_most and not (probability >= SURE and _even_unaccented(words, found))):
        return "en"
    return found if probability >= SURE and letters >= LONG_ENOUGH // 2 else None


def frequent() -> dict[str, dict[str, float]]:
    """The frequent words, each with the languages it is frequent in and how much (Zipf: powers of ten)."""
    return _frequent()[0]


def _by_script(text: str, letters: int) -> tuple[str | None, frozenset[str]] | None:
    """Return the language that most letters of *text* belong to, and all languages written in those letters; None for
    Latin letters."""
    if max(text) < _FIRST_OTHER:
        return None
    for language, letter, written in _SCRIPTS:
        if len(letter.findall(text)) >= letters * (0.1 if language == "ja" else _MOST_OF_A_SCRIPT) > 0:
            others = _OTHERS.get(language)
            return (None if others and others.search(text) else language), written
    return None


def _by_words(words: list[str], ahead: float) -> str | None:
    """Return the language whose frequent words *words* are, if it is far enough *ahead* of all others."""
    scores, known = _scores(words)
    if not scores:
        return None
    best = max(scores, key=scores.__getitem__)
    second = max([score for language, score in scores.items() if language != best], default=0.0)
    enough = known[best] >= _SHARE_KNOWN * len(words)
    return best if enough and scores[best] - second >= ahead else None


def _against(claim: str, words: list[str]) -> str | None:
    """Return a language that *words* tell far more plainly than the one claimed."""
    frequent, languages = _frequent()
    if len(words) < 3 or claim not in languages:
        return None
    if sum(claim in frequent.get(word, {}) for word in words) * 3 > len(words):
        return None
    return _by_words(words, _FAR_AHEAD)


def _scores(words: list[str]) -> tuple[dict[str, float], dict[str, int]]:
    """Return by how much *words* speak for each language that any of them is frequent in, and how many do."""
    frequent, _ = _frequent()
    scores: dict[str, float] = {}
    known: dict[str, int] = {}
    for word in words:
        for language, zipf in frequent.get(word, {}).items():
            scores[language] = scores.get(language, 0.0) + (zipf - _RARE)
            known[language] = known.get(language, 0) + 1
    return scores, known


def _identified(text: str) -> tuple[str, float]:
    """Return the language that the identifier takes *text* for, and how probable it is."""
    found, probability = identifier().classify(text)
    return "nb" if found in ("no", "nn") else str(found), probability


def frequency(word: str) -> float:
    """How frequent *word* is in the language that says it most, in powers of ten above a rare one; 0 when unknown."""
    return max(_frequent()[0].get(word, {}).values(), default=_RARE) - _RARE


@cache
def _frequent() -> tuple[dict[str, dict[str, float]], tuple[str, ...]]:
    """Return the frequent words with the languages they are frequent in, and these languages; read once."""
    # Most words are frequent in one language alone, and nine in ten just as much as another one: each such pair is kept
    # once.
    found: dict[str, tuple[tuple[str, float], ...]] = {}
    once: dict[tuple[tuple[str, float], ...], tuple[tuple[str, float], ...]] = {}
    with gzip.open(str(files("feedback.analysis") / FREQUENT_WORDS), "rt", encoding="utf-8") as stream:
        for line in stream:
            language, word, zipf = line.split("\t")
            each = (*found.get(word, ()), (language, float(zipf)))
            found[word] = once.setdefault(each, each)
    languages = dict.fromkeys(language for each in once for language, _ in each)
    shared = {each: dict(each) for each in once}
    return {word: shared[each] for word, each in found.items()}, tuple(languages)


def of_most(texts: Iterable[str]) -> str | None:
    """The language in which at least `MOST` of the longer *texts* are written, or None.

    What is known of the whole may be claimed for its short texts. At most `_ASKED` are looked at, and at least
    `_ENOUGH` must be long enough to be sure of.
    """
    long = (text for text in texts if sum(map(len, _WORD.findall(text[:_LOOKED_AT]))) >= LONG_ENOUGH)
    found = Counter(filter(None, map(of, itertools.islice(long, _ASKED))))
    best, count = found.most_common(1)[0] if found else (None, 0)
    return best if count >= max(_ENOUGH, MOST * found.total()) else None


def claim(text: str, most: str | None) -> str | None:
    """What to claim for a *text* of a table that is mostly in the language *most*: that, unless the text speaks for
    itself. English needs no claim, and is read as such in any table where its small words tell it."""
    if most in (None, "en"):
        return None
    alone = of(text)
    words = _WORD.findall(text[:_LOOKED_AT].lower())
    return most if alone is None or (alone == "en" and not _reads_as_english(words)) else None


def _reads_as_english(words: list[str]) -> bool:
    """Whether a text is plainly English, so that the slow identifier need not be asked: one word in six is a small
    English word."""
    return sum(map(_TELLS_ENGLISH.__contains__, words)) * 6 >= len(words) and _knows_most(words)


def _even_unaccented(words: list[str], found: str) -> bool:
    """Whether the words without accents read as the language `found` by themselves: a language knows "service" and
    borrows "crème brûlée"."""
    plain = [word for word in words if word.isascii()]
    return len(plain) < len(words) and identifier().classify(" ".join(plain))[0] == found


def _knows_most(words: list[str]) -> bool:
    return shipped().knows(words) * 3 >= len(words) * 2


@cache
def identifier() -> Identifier:
    """Load the identifier once, at the first text that needs it."""
    return identifiers.load(CANDIDATES)
