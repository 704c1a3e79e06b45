"""What the invented customers write: enough of it, no two the same, in the right place, and fitting the score."""

import random
import re
import unicodedata
from collections import Counter, defaultdict
from datetime import UTC, datetime
from itertools import combinations

import pytest

from feedback.demo import year
from feedback.demo.bag import FOLDER, KINDS, Bag, kind_of, read

UNTIL = datetime(2026, 11, 21, 12, tzinfo=UTC)
SCALES = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}
AT_LEAST = {"en": 900} | dict.fromkeys(("de", "fr", "es", "it", "nl", "pt-BR", "ja", "ar"), 120)
#: Beginnings of the names that Unicode gives to a script's letters.
SCRIPTS = {"ja": ("HIRAGANA", "KATAKANA", "CJK"), "ar": ("ARABIC",)}
#: Comments that say nothing may be written alike everywhere.
SIGNS = {"-", ".", "?", "x", "n/a"}

matters = {matter for weights in year.MATTERS.values() for matter in weights}


def placed(language):
    """Each comment with its matter and kind."""
    return [
        (text, matter, kind)
        for matter, kinds in read(language).items()
        for kind, texts in kinds.items()
        for text in texts
    ]


def runs(text, language):
    """The runs of three words (Japanese: of three letters) of a text."""
    letters = re.sub(r"[^\w\s]", "", unicodedata.normalize("NFKC", text).casefold())
    parts = letters if language == "ja" else letters.split()
    return {tuple(parts[start : start + 3]) for start in range(len(parts) - 2)}


def alike(texts, language):
    """Pairs that share more than 60 % of the runs of the shorter, if that has enough to tell."""
    enough = 8 if language == "ja" else 3
    having, found = defaultdict(list), Counter()
    all_runs = [runs(text, language) for text in texts]
    for number, some in enumerate(all_runs):
        for run in some:
            having[run].append(number)
    for numbers in having.values():
        found.update(combinations(numbers, 2))
    return [
        (texts[one], texts[other])
        for (one, other), shared in found.items()
        if (least := min(len(all_runs[one]), len(all_runs[other]))) >= enough and shared > 0.6 * least
    ]


def said_again(language):
    """Pairs of one kind that share 60 % of their words, in whatever order; letters of Japanese are no words."""
    by_kind = defaultdict(list)
    for text, _, kind in placed(language) if language != "ja" else ():
        by_kind[kind].append((text, frozenset(re.findall(r"[^\W_]+", text.casefold()))))
    return [
        (one, other)
        for texts in by_kind.values()
        for (one, here), (other, there) in combinations(texts, 2)
        if len(here & there) >= 0.6 * len(here | there) > 0
    ]


def test_near_repeats_are_seen():
    texts = ["The tent was late by nine days", "the tent was late, by nine weeks!", "The tent was warm"]
    assert alike(texts, "en") == [(texts[0], texts[1])]
    assert alike(["荷物が届いたのは四日も後でした", "荷物が届いたのは三日も後でした"], "ja")


@pytest.mark.parametrize("language", AT_LEAST)
def test_a_language_has_enough_comments_and_no_two_alike(language):
    texts = [text for text, _, _ in placed(language)]
    assert len({text.casefold().strip(" .!") or text for text in texts}) == len(texts) >= AT_LEAST[language]
    assert alike(texts, language) == []
    assert said_again(language) == []
    assert all(text == text.strip() for text in texts)


@pytest.mark.parametrize("language", AT_LEAST)
def test_every_matter_is_spoken_of_in_every_mood(language):
    said = read(language)
    assert set(said) == matters
    for matter, kinds in said.items():
        events = {name for name, event in year.EVENTS.items() if event.matter == matter}
        assert set(kinds) == set(KINDS) | events, matter
        assert all(kinds.values()), matter


@pytest.mark.parametrize("language", AT_LEAST)
def test_comments_are_in_their_language_s_letters(language):
    for text, _, _ in placed(language):
        letters = [unicodedata.name(letter) for letter in text if letter.isalpha()]
        if text in SIGNS or not letters:
            continue
        assert all(
            name.startswith(SCRIPTS.get(language, "LATIN")) or name.startswith("MODIFIER") for name in letters
        ), text


def test_all_files_are_of_languages_that_speak():
    assert set(AT_LEAST) == set(year.LANGUAGES)
    assert {path.stem for path in FOLDER.glob("*.json")} == {tag.partition("-")[0] for tag in year.LANGUAGES}


def test_people_write_as_people_do():
    """From a word to a paragraph, and not all of it tidy."""
    texts = [text for text, _, _ in placed("en")]
    lengths = sorted(len(text.split()) for text in texts)
    assert lengths[len(lengths) // 10] <= 4
    assert lengths[-20] >= 45
    assert sum(text[0].islower() for text in texts) > 100
    assert sum(any(unicodedata.category(sign) == "So" for sign in text) for text in texts) > 20


def test_a_bag_is_emptied_before_a_comment_comes_again():
    bag = Bag(random.Random(3))
    size = len(read("de")["quality"]["good"])
    first, second = ([bag.draw("de", "quality", "good") for _ in range(size)] for _ in range(2))
    assert set(first) == set(second) == set(read("de")["quality"]["good"])
    assert len(set(first)) == size


def test_words_fit_the_score_the_place_and_the_time():
    where = {
        (language, text): (matter, kind)
        for language in year.LANGUAGES
        for text, matter, kind in placed(language)
    }
    asks = [ask for ask in year.asks(1, UNTIL, 4000) if ask.score is not None]
    speaking = [ask for ask in asks if ask.comment]
    assert 0.35 < len(speaking) / len(asks) < 0.65
    for ask in speaking:
        matter, kind = where[ask.language, ask.comment]
        assert matter in year.MATTERS[ask.touchpoint]
        if kind in year.EVENTS:
            event = year.EVENTS[kind]
            assert event.first <= (ask.at.month, ask.at.day) <= event.last
            kind = event.kind
        low, high = SCALES[ask.survey]
        # A score is a rounded mood.
        kinds = {kind_of((ask.score + half - low) / (high - low)) for half in (-0.5, 0, 0.5)}
        assert kind in kinds, (ask.comment, ask.score)
    used = Counter(ask.comment for ask in speaking if ask.language == "en")
    assert len(used) > 0.9 * used.total()
    assert max(used.values()) <= 3
