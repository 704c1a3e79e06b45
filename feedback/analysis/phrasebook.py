"""Finds in a sentence what a language's file of words and phrases knows: worth, negation, ratings, emoji.

The files are `phrases/<language>.txt`; their README says how they are written.
"""

import gzip
import re
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

from feedback.analysis.word_places import Remembered, WordPlaces

FOLDER = "phrases"
RATED = "models/sentiment-lexicons.tsv.gz"

LANGUAGES = frozenset("en de fr es it pt nl sv da nb pl cs ru tr ja zh ar hi fi hu ro he ko".split())
"""Languages that have a file."""

UNSPACED = frozenset({"ja", "zh"})
"""Languages written without spaces, whose words are looked for in running text."""

GREATEST = 3
"""What the best word or phrase is worth; the worst the same below 0."""

_TOKEN = re.compile(
    r"(?<!\w)[:;=8][\-o*']?[)\](\[dDpP/\\](?!\w)|<3|"  # emoticons
    r"[^\W\d_]+(?:[\u0300-\u036f\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963]+[^\W\d_]*)*|"  # words, vowel signs
    r"\d+(?:[.,]\d+)?|"  # numbers
    r"[!?.,;]|[^\w\s]"  # marks, emoji
)
_FIRST = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_DRAWN_OUT = re.compile(r"([^\W\d])\1{2,}")
_DRAWN_VOWEL = re.compile("[ー〜～]{2,}")
_GAP, _LONGEST_GAP = "…", 3
_SHORT_STEM, _SHORT_ENDING = 4, 2
_ROOT = "**"  # at the end of a word: any ending, however short the rest is
_SCOPE, _SCOPE_BACK = 4, 4
# Between statements, in the languages where a negation turns what is before it.
_AND = frozenset("und oder en of och eller og और या ve".split())
_TURNED = -0.75
_STRONGER, _WEAKER = 1.3, 0.6
_APOSTROPHE = "'"
_SILENT = frozenset({"-", '"', _APOSTROPHE})
_MARKS = frozenset(".,;!?()。、!?،؟।:…\n")
_UNSEEN = dict.fromkeys([0xFE0E, 0xFE0F, 0x200D, *range(0x1F3FB, 0x1F400)])
_UNSEEN_SIGN = re.compile(f"[{''.join(map(chr, _UNSEEN))}]")
_HEART = "<3"
_EMOTICONS = {")": 2.0, "]": 2.0, "d": 2.0, "p": 2.0, "(": -2.0, "[": -2.0, "/": -2.0, "\\": -2.0}
_SCALES = frozenset({5, 6, 10, 20, 100})
_STARS = frozenset("⭐★🌟☆")
_EMPTY_STAR = "☆"
_SCALE_FIRST = frozenset({"tr", "hi", "hu", "ko"})
_STAR_FIRST = UNSPACED | {"ko", "he", "ar"}
# What Arabic writes in several ways; and what it writes onto a word: "and", "the", "with the", "to the".
_ARABIC = str.maketrans("أإآىة", "اااية") | dict.fromkeys([0x640, *range(0x64B, 0x653)])
_ARABIC_FRONT = ("وال", "بال", "لل", "فال", "ال", "و", "ب", "ف")


# These are made for each sentence, so they are not frozen: that would take several times as long.
@dataclass(slots=True)
class Hit:
    """A word or phrase that is worth something: the tokens *start* … *end*, *value* −3 … 3 with negation and
    strength reckoned in, as *written*; *kind* is `listed`, `said`, `rating` or `emoji`."""

    start: int
    end: int
    value: float
    written: str
    kind: str = "listed"


@dataclass(slots=True)
class Found:
    """What was found in one sentence: its *tokens*, whether each is *turned* by a negation, and the *hits*."""

    tokens: list[str]
    turned: list[bool]
    hits: list[Hit]
    contrast: int
    """Position after the last word that turns the sentence ("but"), else 0."""


class _Begun(NamedTuple):
    """The phrases that begin with a word: what it is worth *alone*, None where it is no phrase; and the *longer*
    ones, each with the word that must follow ("" where that is not a single one), its parts and its worth."""

    alone: float | None
    longer: list[tuple[str, tuple[str, ...], float]]


_NO_PHRASE = _Begun(None, [])


class Matcher:
    """Finds the longest of many phrases at a place; whole words before stems."""

    def __init__(self, phrases: Iterable[tuple[Sequence[str], float]]) -> None:
        self._whole: dict[str, list[tuple[tuple[str, ...], float]]] = {}
        self._stems: dict[str, list[tuple[tuple[str, ...], float]]] = {}
        self._roots: dict[str, list[tuple[tuple[str, ...], float]]] = {}
        for parts, value in phrases:
            first = parts[0]
            starts = (
                self._roots if first.endswith(_ROOT) else self._stems if first.endswith("*") else self._whole
            )
            starts.setdefault(first.rstrip("*"), []).append((tuple(parts), value))
        self._candidates = lru_cache(maxsize=16_384)(self._look_up)

    def at(self, tokens: Sequence[str], start: int) -> tuple[int, float] | None:
        """Return where the longest phrase that begins at *start* ends, and its value; None for none."""
        found = self._candidates(tokens[start])
        best = None if found.alone is None else (start + 1, found.alone)
        if found.longer:
            follows = tokens[start + 1] if start + 1 < len(tokens) else ""
            for second, parts, value in found.longer:
                if second and second != follows:
                    continue
                end = _end(parts, tokens, start)
                if end and (best is None or end > best[0]):
                    best = end, value
        return best

    def ends(self, tokens: Sequence[str], start: int) -> Iterable[int]:
        """The places where phrases that begin at *start* end."""
        found = self._candidates(tokens[start])
        if found.alone is not None:
            yield start + 1
        for _, parts, _ in found.longer:
            if end := _end(parts, tokens, start):
                yield end

    def knows(self, word: str) -> bool:
        """Return whether some phrase begins with *word*."""
        return self._candidates(word) is not _NO_PHRASE

    def _look_up(self, word: str) -> _Begun:
        found = list(self._whole.get(word, ()))
        for length in range(len(word), 1, -1):
            if length > _SHORT_STEM or len(word) - length <= _SHORT_ENDING:
                found += self._stems.get(word[:length], ())
        if self._roots:
            for length in range(len(word), 0, -1):
                found += self._roots.get(word[:length], ())
        if not found:
            return _NO_PHRASE
        alone = next((value for parts, value in found if len(parts) == 1), None)
        longer = [
            ("" if parts[1] == _GAP or parts[1].endswith("*") else parts[1], parts, value)
            for parts, value in found
            if len(parts) > 1
        ]
        return _Begun(alone, longer)


def _end(parts: tuple[str, ...], tokens: Sequence[str], start: int) -> int:
    """Return where *parts* end in *tokens* when they begin at *start*, or 0."""
    at = start + 1
    gap = 0
    for part in parts[1:]:
        if part == _GAP:
            gap = _LONGEST_GAP
            continue
        while at < len(tokens) and not _fits(part, tokens[at]) and gap and tokens[at] not in _MARKS:
            at, gap = at + 1, gap - 1
        if at >= len(tokens) or not _fits(part, tokens[at]):
            return 0
        at, gap = at + 1, 0
    return at


def _fits(part: str, token: str) -> bool:
    if not part.endswith("*"):
        return part == token
    if part.endswith(_ROOT):
        return token.startswith(part[: -len(_ROOT)])
    stem = part[:-1]
    return token.startswith(stem) and (len(stem) > _SHORT_STEM or len(token) - len(stem) <= _SHORT_ENDING)


@dataclass(frozen=True, slots=True)
class Book:
    """One language's file, ready to look things up in."""

    language: str
    negations: frozenset[str]
    back: str
    very: frozenset[str]
    little: frozenset[str]
    turns: frozenset[str]
    numbers: dict[str, int]
    stars: frozenset[str]
    of: frozenset[str]
    words: Matcher
    said: Matcher
    phrases: tuple[str, ...]
    """The turns of phrase, as written in the file."""
    listed: dict[str, float]
    """All words and phrases with what they are worth, as written in the file."""
    answers: dict[str, Matcher] = field(default_factory=dict)
    """The phrases of `nothing`, `no fault`, `no answer`, `polite` and `filler`."""
    known: frozenset[str] = frozenset()
    """Of a language without spaces: the words to look for in running text."""
    rating: frozenset[str] = frozenset()
    """The words that a rating can begin with: numbers and stars."""

    def tokens(self, sentence: str) -> list[str]:
        """Return *sentence* as words, numbers, marks and emoji in small letters."""
        return _tokens(sentence, self.language, self.known, self._undrawn)

    def may_answer(self, text: str) -> bool:
        """Return False for most texts that are no answer of the file, at the price of a look at the first word."""
        if self.language in UNSPACED or self.language in ("ar", "hi"):
            return True
        first = _FIRST.search(text.lower())
        return first is None or _begins_answer(self.language, first.group())

    def plain(self, text: str) -> list[str]:
        """Return *text* as its words, or single letters where no spaces part them, without marks."""
        return _plain(text, self.language)

    def _undrawn(self, word: str) -> str:
        """Return a drawn-out *word* ("suuuper") as the file knows it, else with each letter twice at most."""
        twice, once = _DRAWN_OUT.sub(r"\1\1", word), _DRAWN_OUT.sub(r"\1", word)
        for each in (twice, once):
            if self.words.knows(each) or self.said.knows(each) or each in self.very or each in self.negations:
                return each
        return twice

    def read(self, sentence: str, only_said: bool = False) -> Found:
        """Return what is known of *sentence*; *only_said* looks for phrases, ratings and emoji alone."""
        tokens = self.tokens(sentence)
        hits = self._hits(tokens, only_said)
        turned, by = [False] * len(tokens), dict[int, int]()
        if not self.negations.isdisjoint(tokens):
            turned, by = self._turn(tokens, hits)
        contrast = 0
        if not self.turns.isdisjoint(tokens):
            contrast = max(
                [i + 1 for i, token in enumerate(tokens) if token in self.turns and i > 1], default=0
            )
        return Found(tokens, turned, self._weighed(tokens, hits, by), contrast)

    def _hits(self, tokens: list[str], only_said: bool) -> list[Hit]:
        hits = []
        at = 0
        while at < len(tokens):
            token = tokens[at]
            wordless = not token[0].isalpha()
            if (wordless or token in self.rating) and (rated := self._rating(tokens, at)) is not None:
                end, value = rated
                hits.append(Hit(at, end, value, _joined(tokens[at:end], self.language), "rating"))
            elif wordless and (drawn := _drawn(token)) is not None:
                end = at + 1
                hits.append(Hit(at, end, drawn, token, "emoji"))
            else:
                said = self.said.at(tokens, at)
                found = None if only_said else self.words.at(tokens, at)
                end = at + 1
                if said is not None and (found is None or said[0] >= found[0]):
                    end, value = said
                    hits.append(Hit(at, end, value, _joined(tokens[at:end], self.language), "said"))
                elif found is not None:
                    end, value = found
                    hits.append(Hit(at, end, value, _joined(tokens[at:end], self.language)))
            at = end
        return hits

    def _rating(self, tokens: list[str], at: int) -> tuple[int, float] | None:
        """Return where a rating that begins at *at* ends, and its worth: "10/10", "2 stars", "5 von 5", "★★☆"."""
        if tokens[at] in _STARS:
            return _drawn_stars(tokens, at)
        given = self._number(tokens[at])
        after = at + 1
        if given is None:
            # In some languages the star stands first.
            counted = (
                self._number(tokens[after]) if tokens[at] in self.stars and after < len(tokens) else None
            )
            return (after + 1, _worth(counted, 5)) if counted is not None and self._leads(counted) else None
        if after < len(tokens) and tokens[after] in self.stars and given <= 5:
            return after + 1, _worth(given, 5)
        return self._share(tokens, at, given)

    def _leads(self, counted: float) -> bool:
        return self.language in _STAR_FIRST and counted <= 5

    def _share(self, tokens: list[str], at: int, given: float) -> tuple[int, float] | None:
        """Return where "4 von 5", "8/10" or "4 out of 5 stars" ends, and its worth; None for "3 of 5 parcels"."""
        slash = at + 1 < len(tokens) and tokens[at + 1] == "/"
        end = at + 2 if slash else at + 1
        while end < len(tokens) and tokens[end] in self.of:
            end += 1
        most = self._number(tokens[end]) if at + 1 < end < len(tokens) else None
        if most is None:
            return None
        if self.language in _SCALE_FIRST and not slash:
            given, most = most, given
        end += 1
        starred = end < len(tokens) and tokens[end] in self.stars
        ends = end >= len(tokens) or tokens[end] in _MARKS or _drawn(tokens[end]) is not None
        if most not in _SCALES or given > most or not (starred or ends or (slash and most == 10)):
            return None
        return end + starred, _worth(given, most)

    def _number(self, token: str) -> float | None:
        if token[0].isdecimal() and token[-1].isdecimal():
            return float(token.replace(",", ".")) if len(token) <= 4 else None
        return self.numbers.get(token)

    def _turn(self, tokens: list[str], hits: list[Hit]) -> tuple[list[bool], dict[int, int]]:
        """Return for each word whether a negation turns it, and for each turned one of *hits*, by its number, the place
        of the word that does."""
        covered = {
            place
            for hit in hits
            if hit.kind == "said" or hit.end - hit.start > 1
            for place in range(hit.start, hit.end)
        }
        turned = [False] * len(tokens)
        at_place = {hit.start: number for number, hit in enumerate(hits)}
        by: dict[int, int] = {}
        # "Never no problems" denies once: what a phrase denies is not turned back.
        denied = {
            hit.start
            for hit in hits
            if hit.kind == "said" and not self.negations.isdisjoint(tokens[hit.start : hit.end])
        }
        for at, token in enumerate(tokens):
            if token not in self.negations or at in covered:
                continue
            scope = self._forward(tokens, at)
            if self.back != "only":
                valued = [place for place in scope if place in at_place and place not in denied]
                if valued or self.back != "yes":
                    for place in scope:
                        turned[place] = True
                    for place in valued[:1]:
                        by[at_place[place]] = at
                    continue
            for place in range(at - 1, max(at - 1 - _SCOPE_BACK, -1), -1):
                if tokens[place] in _MARKS or tokens[place] in self.turns or tokens[place] in _AND:
                    break
                turned[place] = True
                number = at_place.get(place)
                if number is not None and place not in covered:
                    by[number] = at
                    break
        for at in range(len(tokens)):
            if turned[at] and (tokens[at] in self.negations or not tokens[at][0].isalpha()):
                turned[at] = False
        return turned, by

    def _weighed(self, tokens: list[str], hits: list[Hit], by: dict[int, int]) -> list[Hit]:
        """Return *hits* turned by the words *by* which they are, strengthened and weakened."""
        done = []
        for number, hit in enumerate(hits):
            value, start, end = hit.value, hit.start, hit.end
            if hit.kind in ("listed", "said"):
                before = tokens[hit.start - 1] if hit.start else ""
                if before in self.very:
                    value = max(-GREATEST * _STRONGER, min(GREATEST * _STRONGER, value * _STRONGER))
                elif before in self.little:
                    value *= _WEAKER
                if number in by:
                    value *= _TURNED
                    start, end = min(by[number], start), max(by[number] + 1, end)
            if number in by:
                written = _joined(tokens[start:end], self.language)
                done.append(Hit(hit.start, hit.end, value, written, hit.kind))
            else:
                done.append(hit if value == hit.value else Hit(start, end, value, hit.written, hit.kind))
        return done

    def _forward(self, tokens: list[str], at: int) -> list[int]:
        scope = []
        for place in range(at + 1, min(at + 1 + _SCOPE, len(tokens))):
            if tokens[place] in _MARKS or tokens[place] in self.turns:
                break
            scope.append(place)
        return scope


def _drawn_stars(tokens: list[str], at: int) -> tuple[int, float] | None:
    """Return where a row of stars ends, and its worth; one by itself is praise as an emoji, hardly ever a rating."""
    end = at
    while end < len(tokens) and tokens[end] in _STARS:
        end += 1
    full = sum(token != _EMPTY_STAR for token in tokens[at:end])
    return (end, _worth(full, max(5, end - at))) if end - at > 1 else None


def _worth(given: float, most: float) -> float:
    """Return what *given* of *most* is worth: four of five and more praise, up to two and a half blame."""
    share = given / most
    if share >= 0.75:
        return 3.0 if share >= 0.9 else 2.5
    return 0.0 if share > 0.5 else -3.0


def _drawn(token: str) -> float | None:
    """Return what an emoji or emoticon is worth; None for all else."""
    if token == _HEART:
        return 3.0
    if len(token) > 1 and token[0] in ":;=8":
        return _EMOTICONS.get(token[-1])
    return None if token[0].isalnum() else emoji().get(token)


def _joined(tokens: Sequence[str], language: str) -> str:
    return ("" if language in UNSPACED else " ").join(tokens).replace("' ", "'").replace(" / ", "/")


def _tokens(
    sentence: str, language: str, known: frozenset[str], drawn: Callable[[str], str] | None = None
) -> list[str]:
    if language == "tr":
        sentence = sentence.replace("İ", "i").replace("I", "ı")
    lowered = sentence.lower()
    if not lowered.isascii():
        if _UNSEEN_SIGN.search(lowered):
            lowered = lowered.translate(_UNSEEN)
        lowered = lowered.replace("’", "'")
    if language == "ar":
        lowered = lowered.translate(_ARABIC)
    elif language == "ja":
        lowered = _DRAWN_VOWEL.sub("", lowered)
    found: list[str] = []
    joins = False
    drawn_out = _DRAWN_OUT.search(lowered)
    for piece in _TOKEN.findall(lowered):
        if piece in _SILENT:
            joins = piece == _APOSTROPHE and bool(found) and found[-1][-1].isalpha()
            if joins:
                found[-1] += "'"
            continue
        if not piece[0].isalpha():
            found.append(piece)
        elif known and language == "ar":
            if drawn_out and drawn and _DRAWN_OUT.search(piece):
                piece = _DRAWN_OUT.sub(r"\1", piece)
            found.append(_bare(piece, known))
        elif known:
            found += _segmented(piece, known)
        else:
            if drawn_out and _DRAWN_OUT.search(piece):
                piece = drawn(piece) if drawn else _DRAWN_OUT.sub(r"\1\1", piece)
            # "j'adore" is two words, "don't" and "geht's" are one.
            if joins and language not in ("fr", "it"):
                found[-1] += piece
            else:
                found.append(piece)
        joins = False
    return found


def _bare(token: str, known: frozenset[str]) -> str:
    """Return an Arabic word without what is written onto its front, if the rest is a known word."""
    if token in known:
        return token
    for front in _ARABIC_FRONT:
        rest = token.removeprefix(front)
        if rest != token and rest in known:
            return rest
    return token


def _segmented(run: str, known: frozenset[str]) -> list[str]:
    """Cut running text into the longest known words, else single letters."""
    found, at = [], 0
    while at < len(run):
        for length in range(min(14, len(run) - at), 0, -1):
            if length == 1 or run[at : at + length] in known:
                found.append(run[at : at + length])
                at += length
                break
    return found


@cache
def book(language: str) -> Book:
    """Read the file of *language*, one of `LANGUAGES`, once."""
    text = (files("feedback.analysis") / FOLDER / f"{language}.txt").read_text(encoding="utf-8")
    lines = _lines(text)
    unspaced = language in UNSPACED

    def parts(phrase: str) -> list[str]:
        if unspaced:
            return [phrase]
        return [
            piece
            for word in phrase.split()
            for piece in ([word] if word == _GAP else _pattern(word, language))
        ]

    listed: dict[str, float] = {}
    items: list[tuple[Sequence[str], float]] = []
    said: list[tuple[Sequence[str], float]] = []
    phrases: list[str] = []
    answers: dict[str, list[tuple[Sequence[str], float]]] = {}
    for key, rest in lines:
        worth, _, manner = key.partition(" ")
        if re.fullmatch(r"[+-]?\d", worth):
            value = float(worth)
            for phrase in rest.split(" | ") if manner else rest.split():
                pattern = parts(phrase)
                listed[phrase] = value
                (said if manner == "said" else items).append((pattern, value))
                if manner == "said":
                    phrases.append(phrase)
        elif key in ("nothing", "no fault", "no answer", "polite", "filler"):
            answers.setdefault(key, []).extend((_plain(each, language), 1.0) for each in rest.split(" | "))
    words = dict(lines)
    numbers = {
        spelling: number
        for number, spellings in enumerate(words.get("numbers", "").split(", "))
        for spelling in spellings.strip().split("/")
        if spelling
    }
    known = (
        frozenset(rated_words(language) if unspaced else ())
        | frozenset(piece for phrase, _ in (*items, *said) for piece in phrase if piece != _GAP)
        | frozenset(
            words.get("not", "").split() + words.get("but", "").split() + words.get("very", "").split()
        )
    )
    return Book(
        language,
        _set(words, "not", language), words.get("scope back", "no"),
        _set(words, "very", language), _set(words, "little", language), _set(words, "but", language),
        numbers, _set(words, "stars", language), _set(words, "of", language),
        Matcher(items), Matcher(said), tuple(phrases), listed,
        {key: Matcher(phrases) for key, phrases in answers.items()},
        known if unspaced or language == "ar" else frozenset(),
        _set(words, "stars", language) | numbers.keys(),
    )  # fmt: skip


@lru_cache(maxsize=8_192)
def _begins_answer(language: str, word: str) -> bool:
    return any(matcher.knows(word) for matcher in book(language).answers.values())


def _set(words: dict[str, str], key: str, language: str) -> frozenset[str]:
    return frozenset(
        token for word in words.get(key, "").split() for token in _tokens(word, language, frozenset())
    )


def _pattern(word: str, language: str) -> list[str]:
    """Return a word of the file as `tokens` would give it, with its star kept."""
    bare = word.rstrip("*")
    tokens = _tokens(bare, language, frozenset())
    tokens[-1] += word[len(bare) :]
    return tokens


def _plain(phrase: str, language: str) -> list[str]:
    """Return a phrase as single letters of an unspaced language, else as its words, without marks."""
    if language in UNSPACED:
        return [letter for letter in phrase.lower() if letter.isalnum()]
    return [token for token in _tokens(phrase, language, frozenset()) if token[0].isalnum()]


def _lines(text: str) -> list[tuple[str, str]]:
    return [
        (key, rest.strip())
        for key, _, rest in (line.partition(":") for line in text.splitlines() if not line.startswith("#"))
        if rest.strip()
    ]


@cache
def emoji() -> dict[str, float]:
    """Return what each emoji is worth, −3 … 3."""
    text = (files("feedback.analysis") / FOLDER / "emoji.txt").read_text(encoding="utf-8")
    return {each.translate(_UNSEEN): float(value) for value, rest in _lines(text) for each in rest.split()}


@cache
def rated(language: str) -> Remembered[float]:
    """Return what the longer lists, which others made, say of single words of *language*, −1 … 1; 0 of all others."""
    rows = _rated(language)
    places, values = WordPlaces(word for word, _ in rows), array("d", [value for _, value in rows])

    def value_of(word: str) -> float:
        place = places.of(word)
        return 0.0 if place is None else values[place]

    return Remembered(value_of)


def rated_words(language: str) -> list[str]:
    """Return the single words of *language* that the longer lists rate."""
    return [word for word, _ in _rated(language)]


def _rated(language: str) -> list[tuple[str, float]]:
    text = gzip.decompress((files("feedback.analysis") / RATED).read_bytes())
    ours = f"{language}\t".encode()
    rows = [line.decode("utf-8").split("\t") for line in text.split(b"\n") if line.startswith(ours)]
    return list({word: float(value) for _, word, value in rows}.items())


def covers(words: Sequence[str], matcher: Matcher, fillers: Sequence[Matcher]) -> bool:
    """Return whether *words* are nothing but phrases of *matcher*, at least one, and of *fillers*."""
    # For each place, whether what is before it can be covered, without and with a phrase of `matcher`.
    covered: list[set[bool]] = [{False}, *(set() for _ in words)]
    for at in range(len(words)):
        if covered[at]:
            for end in matcher.ends(words, at):
                covered[end].add(True)
            for end in (end for each in fillers for end in each.ends(words, at)):
                covered[end] |= covered[at]
    return True in covered[-1]


@lru_cache(maxsize=512)
def code(tag: str) -> str:
    """Return the language of a tag such as "pt-BR", as the files are named: Norwegian is Bokmål."""
    language = re.split("[-_]", tag)[0].lower()
    return "nb" if language in ("no", "nn") else language
