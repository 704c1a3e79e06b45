"""Comments in several languages mean the same, and are in one topic."""

from datetime import UTC, datetime

import numpy as np
import pytest

from feedback.analysis.topics import aligned, naming, reviewing, vectors
from feedback.domain.topics import UNDERSTOOD, State
from feedback.training.agreement import v_measure

VECTORS = vectors.load()

LATE = {
    "en": "The parcel arrived much too late",
    "de": "Das Paket kam viel zu spät an",
    "es": "El paquete llegó demasiado tarde",
    "fr": "Le colis est arrivé beaucoup trop tard",
    "it": "Il pacco è arrivato troppo tardi",
    "nl": "Het pakket kwam veel te laat aan",
    "pt": "A encomenda chegou tarde demais",
    "ja": "荷物が届くのがとても遅かったです",
    "ar": "وصل الطرد متأخرا جدا",
    "ru": "Посылка пришла слишком поздно",
    "zh": "包裹到得太晚了",
}
FRIENDLY = {
    "en": "The staff were very friendly",
    "de": "Das Personal war sehr freundlich",
    "es": "El personal fue muy amable",
    "fr": "Le personnel était très aimable",
    "it": "Il personale è stato molto gentile",
    "nl": "Het personeel was heel vriendelijk",
    "pt": "Os funcionários foram muito simpáticos",
    "ja": "スタッフがとても親切でした",
    "ar": "كان الموظفون ودودين جدا",
    "ru": "Персонал был очень приветливым",
    "zh": "工作人员非常友好",
}


@pytest.mark.parametrize("said", [LATE, FRIENDLY])
def test_a_text_is_read_in_its_language(said):
    assert {language: VECTORS.language_of(text) for language, text in said.items()} == {
        each: each for each in said
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?!",
        "OK",
        "Qwertz",
        "The parking lot",
        "service",
        "remove my to do list",
        "no idea ¯\\_(ツ)_/¯",
        "한국어",
    ],
)
def test_what_no_other_language_tells_plainly_is_english(text):
    assert VECTORS.language_of(text) == "en"


def test_what_waits_for_its_language_is_in_one_that_the_vectors_do_not_know():
    assert set(UNDERSTOOD) == VECTORS.languages


def test_what_means_the_same_is_nearer_than_what_is_in_the_same_language():
    rows = VECTORS.encode([*LATE.values(), *FRIENDLY.values()])
    close = rows @ rows.T
    many = len(LATE)
    same, other = close[:many, :many][~np.eye(many, dtype=bool)], close[:many, many:]
    assert same.mean() > other.mean() + 0.3
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_english_is_read_as_by_the_english_vectors_alone():
    alone = vectors.load(aligned_at=None)
    texts = [LATE["en"], FRIENDLY["en"], "the car park was full", "I can't log in!"]
    assert (VECTORS.encode(texts) == alone.encode(texts)).all()


def test_one_topic_holds_several_languages():
    """Named in English where some of it is in English, else in its commonest language."""
    comments = {
        f"{kind}-{language}-{at}": f"{text}{end}"
        for kind, said in (("late", LATE), ("friendly", FRIENDLY))
        for language, text in said.items()
        for at, end in enumerate(("", "!", ".", "..."))
    }
    state = reviewing.review(State(), comments, VECTORS, datetime(2026, 1, 1, tzinfo=UTC)).state
    found = [state.places[id_].topic for id_ in comments]
    assert v_measure([id_[:4] for id_ in comments], found) > 0.6
    german = {id_: text for id_, text in comments.items() if "-de-" in id_}
    labels = {
        each.label
        for each in reviewing.review(
            State(), german, VECTORS, datetime(2026, 1, 1, tzinfo=UTC)
        ).state.topics.values()
    }
    assert labels
    assert all(naming.stems(label) for label in labels)


def test_a_beginning_is_shared_by_a_family_of_words():
    assert aligned.beginning("lieferung") == aligned.beginning("liefern") == "^liefe"
    assert aligned.beginning("spat") == ""
