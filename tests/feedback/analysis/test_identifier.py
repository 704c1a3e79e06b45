"""The identifier of languages answers what py3langid does, and keeps little of it."""

import random
from array import array

import pytest
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from feedback.analysis import identifier, languages

TEXTS = (
    "The parcel arrived much too late, and nobody answered the phone.",
    "Das Paket kam viel zu spät an, und niemand ging ans Telefon.",
    "El paquete llegó tarde y nadie contestó al teléfono.",
    "THE PARCEL ARRIVED MUCH TOO LATE",
    "Пакет је стигао касно",
    "Paket je stigao prekasno",
    "荷物が届くのが遅かったです",
    "e\u0301te\u0301",  # accents apart from their letters
    "\ud800 half a character",
    "!?",
    "",
    "word " * 2_000,
)


@pytest.fixture(scope="module")
def theirs() -> LanguageIdentifier:
    full = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    full.set_languages(languages.CANDIDATES)
    return full


def test_it_answers_what_the_library_does(theirs: LanguageIdentifier) -> None:
    ours = languages.identifier()
    chance = random.Random(3)
    letters = "".join(map(chr, [*range(0x20, 0x250), *range(0x400, 0x460), *range(0x4E00, 0x4E80)]))
    texts = [*TEXTS, *("".join(chance.choices(letters, k=chance.randint(1, 60))) for _ in range(200))]
    for text in texts:
        assert ours.classify(text) == theirs.classify(text), text


def test_equal_blocks_of_moves_are_kept_once() -> None:
    row = list(range(256))
    other = [*row[:16], *[7] * 240]
    moves = array("I", row * 3 + other)
    begins, kept = identifier.shared(moves)
    assert len(kept) == 17 * 16, "16 blocks of the row, and one of the other"
    assert [kept[begins[at // 16] * 16 + at % 16] for at in range(len(moves))] == list(moves)


def test_it_keeps_a_fraction_of_the_moves(theirs: LanguageIdentifier) -> None:
    begins, kept = identifier.shared(theirs.tk_nextmove)
    held = begins.itemsize * len(begins) + kept.itemsize * len(kept)
    assert held * 8 < theirs.tk_nextmove.itemsize * len(theirs.tk_nextmove)
