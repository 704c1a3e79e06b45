"""What feedback speaks of is understood in other languages, by a plain file."""

import numpy as np
import pytest

from feedback.analysis.topics import glossary, vectors

VECTORS = vectors.load()
KNOWN = glossary.load()


def meant(text: str, language: str) -> list[str]:
    return [KNOWN.meant[number] for number in KNOWN.read(text, language)[0]]


@pytest.mark.parametrize(
    ("language", "text", "things"),
    [
        ("de", "Ausverkauft!", ["stock sold out"]),
        ("de", "Die Rücksendung", ["returns return"]),
        ("de", "Geburtstagsgutschein", ["gift card birthday gift", "discount voucher sale"]),  # put together
        ("de", "Kartographie", []),
        ("nl", "Mijn pakketje", ["parcel"]),
        ("es", "las tallas", ["size fit"]),
        ("es", "la carrera", []),  # "caro", and no other word that begins so
        ("fr", "remboursée", ["refund money back"]),
        ("ja", "サイズが小さい", ["size fit", "too small tight"]),
        ("ja", "遅れて届いた", ["late delay", "arrived came"]),
        ("ar", "الأسعار", ["price"]),
        ("cs", "cena", []),
    ],
)
def test_words_mean_what_they_do_in_english(language, text, things):
    assert meant(text, language) == things


def test_what_a_word_means_is_not_read_twice():
    """But what the glossary does not know is read as it was."""
    assert KNOWN.read("Die Rücksendung war blau", "de")[1] == ["die", "war", "blau"]


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("Immer alles ausverkauft", "always sold out", "the staff was friendly"),
        ("Las tallas son de risa", "the sizes are wrong", "the delivery was late"),
        ("le suivi ne marche pas", "tracking does not work", "the price is too high"),
        ("送料が高い", "the delivery fee is too high", "my size was sold out"),
    ],
)
def test_a_comment_is_near_to_what_it_means_in_english(text, near, far):
    row, same, other = VECTORS.encode([text, near, far])
    assert row @ same > row @ other + 0.2


def test_every_line_has_all_languages():
    lines = [line for line in glossary.SHIPPED.read_text("utf-8").splitlines() if line[:1] not in ("", "#")]
    cells = [line.split("|") for line in lines]
    assert {len(each) for each in cells} == {len(glossary.LANGUAGES) + 1}
    assert VECTORS.encode(KNOWN.meant).any(axis=1).all()


def test_a_short_beginning_stands_for_few_words(tmp_path):
    file = tmp_path / "words.txt"
    file.write_text("# told\nprice | preis* | precio | prix | prezzo | prijs | preço | 値段 | سعر\n", "utf-8")
    own = glossary.Glossary(file)
    assert [own.read(text, "de")[0] for text in ("Preis", "Preisen", "Preisausschreiben")] == [[0]] * 3
    assert [own.read(text, "es")[0] for text in ("precio", "precios", "precioso", "pre")] == [
        [0],
        [0],
        [0],
        [],
    ]
    assert not np.any(own.read("precious", "es")[0])
