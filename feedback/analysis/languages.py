"""Says which language a comment is written in, or that it cannot be said."""

import itertools
import re
from collections import Counter
from collections.abc import Iterable
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from feedback.analysis.sentiment.model import shipped

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

_LOOKED_AT = 1_000
_WORD = re.compile(r"[^\W\d_]+")
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
    words = _WORD.findall(text.lower())
    letters = sum(map(len, words))
    if claim and letters < LONG_ENOUGH:
        return claim
    if not letters:
        return None
    if text.isascii() and claim in (None, "en") and _reads_as_english(words):
        return "en"
    found, probability = identifier().classify(text)
    if letters >= LONG_ENOUGH and probability >= SURE:
        return str(found)
    if claim:
        return claim
    if found == "en" or (_knows_most(words) and not (probability >= SURE and _even_unaccented(words, found))):
        return "en"
    return str(found) if probability >= SURE and letters >= LONG_ENOUGH // 2 else None


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
    """Spare the identifier for what is plainly English: every sixth word or more is a word that tells."""
    return sum(map(_TELLS_ENGLISH.__contains__, words)) * 6 >= len(words) and _knows_most(words)


def _even_unaccented(words: list[str], found: str) -> bool:
    """English knows "content" and "service" and borrows "crème brûlée": the other words have to be in `found` too."""
    plain = [word for word in words if word.isascii()]
    return len(plain) < len(words) and identifier().classify(" ".join(plain))[0] == found


def _knows_most(words: list[str]) -> bool:
    return sum(map(shipped().index.__contains__, words)) * 3 >= len(words) * 2


@cache
def identifier() -> LanguageIdentifier:
    """Load py3langid's model once, at the first text that needs it."""
    full = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    full.set_languages(CANDIDATES)
    return LanguageIdentifier(  # without the other languages' columns, which `full` would keep: 16 MB
        full.nb_ptc,
        full.nb_pc,
        full.nb_classes,
        full.tk_nextmove,
        full.tk_output,
        norm_probs=True,
        tk_row=full.tk_row,
    )
