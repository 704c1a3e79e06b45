"""Comments in several languages mean the same, and are in one topic."""

from datetime import UTC, datetime

import numpy as np
import pytest

from feedback.analysis.topics import aligned, reviewing, vectors, wording
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
        "ภาษาไทย",
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
    assert all(wording.stems(label) for label in labels)


def test_a_beginning_is_shared_by_a_family_of_words():
    assert aligned.beginning("lieferung") == aligned.beginning("liefern") == "^liefe"
    assert aligned.beginning("spat") == ""


#: By their own words: late parcels and prices, in languages that the vectors do not know.
OWN = {
    "ko": (
        ["배송이 너무 늦었어요", "배송이 늦게 왔습니다", "이번에도 배송 지연", "배송 추적이 안 됩니다"],
        ["가격이 비싸요", "가격이 너무 올랐어요", "다른 가게보다 가격이 높네요", "가격은 적당합니다"],
    ),
    "pl": (
        ["Paczka nie przyszła na czas", "Ta paczka była za późno", "Gdzie jest moja paczka?"],
        ["Ceny są za wysokie", "Bardzo dobre ceny", "Ceny znowu poszły w górę", "Ceny są lepsze niż gdzie indziej"],
    ),
}  # fmt: skip


def test_what_the_vectors_do_not_know_is_grouped_by_its_own_words_and_apart_from_the_rest():
    said = {
        f"{language}-{matter}-{at}": text
        for language, matters in OWN.items()
        for matter, texts in enumerate(matters)
        for at, text in enumerate(texts)
    }
    english = [
        "the staff were kind",
        "friendly staff",
        "rude staff at the desk",
        "parking was full",
        "no parking",
    ]
    said |= {f"en-0-{at}": text for at, text in enumerate(english)}
    state = reviewing.review(State(), said, VECTORS, datetime(2026, 1, 1, tzinfo=UTC)).state
    found = {id_: place.topic for id_, place in state.places.items()}
    languages = {}
    for id_, topic in found.items():
        languages.setdefault(topic, set()).add(id_[:2])
    assert all(len(each) == 1 for topic, each in languages.items() if topic is not None)
    for language, matters in OWN.items():
        topics = [
            [found[f"{language}-{matter}-{at}"] for at in range(len(texts))]
            for matter, texts in enumerate(matters)
        ]
        main = [max(set(each) - {None}, key=each.count, default=None) for each in topics]
        assert None not in main
        assert main[0] != main[1]
        assert all(each.count(name) >= 3 for each, name in zip(topics, main, strict=True))
    labels = " ".join(topic.label for topic in state.topics.values())
    assert all(word in labels for word in ("배송", "가격", "Paczka", "Ceny"))
