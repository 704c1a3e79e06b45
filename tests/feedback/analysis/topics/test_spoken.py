"""Which matters comments speak of."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest

from feedback.analysis.topics import matters, spoken

KNOWN = [matter.name for matter in matters.load("en")]
NONE = len(KNOWN)

# Of many trades at once, so that none of them makes a word plain.
SPOKEN = {
    "The courier threw my parcel over the fence": "Delivery service",
    "My order arrived two weeks late": "Delivery time",
    "Still waiting for my refund after a month": "Refund time",
    "Your checkout page keeps rejecting my voucher code": "Promotion codes",
    "The battery dies after two hours": "Battery life",
    "Sound from the speakers is tinny": "Sound quality",
    "The waiter was rude to us": "Staff friendliness",
    "Our soup was cold when it came": "Food temperature",
    "The room smelled of smoke": "Smoke smell",
    "Our bed was hard as stone": "Beds",
    "Check-in at the reception took an hour": "Check-in",
    "The pool was closed for the whole week": "Swimming pool",
    "My flight was delayed by five hours": "Flight delays",
    "They lost my suitcase in Madrid": "Lost luggage",
    "The train was so overcrowded that we stood": "Overcrowded trains",
    "I forgot my password and can't log in": "Password reset",
    "The app crashes whenever I open it": "App crashes",
    "The cash machine swallowed my card": "Swallowed cards",
    "What is the exchange rate for dollars?": "Exchange rates",
    "I was charged twice for the same purchase": "Duplicate charges",
    "The nurse was gentle and kind": "Nursing care",
    "I had to wait three hours to see the doctor": "Waiting at the doctor's",
    "The plot of the film makes no sense": "Plot",
    "The actors were brilliant": "Acting",
    "Meetings eat up my whole day at work": "Meetings",
    "My boss never listens to the team": "Management",
    "The gym equipment is always broken": "Gym equipment",
    "I have no signal in my own house": "Signal indoors",
    "The toilets were filthy": "Toilets",
    "There was nowhere to park the car": "Parking",
    "Set an alarm for seven": "Setting alarms",
    "Will it rain tomorrow?": "Rain and snow",
    "Tell me a joke": "Jokes",
    "The hairdresser cut it far too short": "Hair",
    "The electricity bill has doubled": "Energy costs",
    "Die Lieferung kam viel zu spät": "Delivery time",
    "Das Essen war kalt": "Food",
    "Der Kellner war sehr unfreundlich": "Staff friendliness",
    "Le livreur a jeté mon colis": "Delivery driver",
    "Je n'ai toujours pas été remboursé": "Refunds",
    "La chambre était sale": "Room cleanliness",
    "El camarero fue muy amable": "Staff friendliness",
    "La entrega llegó tarde": "Delivery time",
    "Il personale è stato gentile": "Staff friendliness",
    "La colazione era ottima": "Breakfast",
    "La camera era sporca": "Room cleanliness",
    "De levering was veel te laat": "Delivery time",
    "Het personeel was erg vriendelijk": "Staff friendliness",
    "A entrega demorou muito": "Delivery time",
    "O quarto estava sujo": "Room cleanliness",
    "O atendimento foi péssimo": "Customer service",
    "スタッフがとても親切でした": "Staff friendliness",
    "配送が遅かった": "Delivery time",
    "部屋が汚い": "Room cleanliness",
    "الموظفون ودودون جدا": "Staff friendliness",
    "التوصيل متأخر": "Delivery time",
    "الغرفة نظيفة": "Room cleanliness",
}
WORDLESS = ["", "   ", "\n", "👍", "!!!", "123"]
GIBBERISH = ["zxqv brrt", "qwf vbn jklm", "asdf asdf asdf"]


def likeliest(texts: Sequence[str]) -> list[int]:
    """The number of the matter that each of some comments speaks of, among all of them."""
    said = spoken.read(texts)
    return spoken.likeliest(said, spoken.usual([said]))[0].tolist()


def test_comments_of_many_trades_and_languages_speak_of_their_matters() -> None:
    found = [KNOWN[number] for number in likeliest(list(SPOKEN))]
    assert dict(zip(SPOKEN, found, strict=True)) == SPOKEN


def test_a_word_of_many_trades_means_what_it_does_in_the_trade_at_hand() -> None:
    """Who tells a machine what to do speaks of its speaking speed in the same words."""
    lessons = [
        "The lecturer speaks far too fast",
        "The exercises were useful",
        "Course material was outdated",
        "the exam had nothing to do with the lessons",
        "homework every single day",
        "my teacher explains well",
        "group too large to ask anything",
        "loved the guest speaker",
    ]
    commands = [text for text, matter in SPOKEN.items() if matter in ("Setting alarms", "Jokes")]
    commands += ["talk slower please", "whisper", "who made you", "what's your name"]
    assert KNOWN[likeliest(lessons)[0]] == "Teachers"
    assert KNOWN[likeliest([*lessons[:1], *commands])[0]] == "Speaking speed"


def test_what_has_no_word_and_what_has_no_sense_speaks_of_none() -> None:
    found = likeliest([*SPOKEN, *WORDLESS, *GIBBERISH])[len(SPOKEN) :]
    assert found == [NONE] * len([*WORDLESS, *GIBBERISH])


def test_of_no_comments_nothing_is_known() -> None:
    none = spoken.read([])
    assert len(none) == 0
    assert spoken.usual([]) == pytest.approx(np.full(NONE + 1, 1 / (NONE + 1)))
    assert np.array_equal(spoken.usual([none]), spoken.usual([]))
    assert not spoken.shares(none, spoken.usual([])).any()
    assert spoken.likeliest(none, spoken.usual([]))[0].tolist() == []


def test_shares_of_matters_add_up_to_all_comments() -> None:
    said = spoken.read(["My order arrived two weeks late", "Late delivery", "The waiter was rude to us"])
    among = spoken.usual([said])
    assert among.sum() == pytest.approx(1.0)
    own = spoken.shares(said, among)
    assert own.sum() == pytest.approx(1.0)
    assert KNOWN[own.argmax()] == "Delivery time"


def test_comments_that_are_read_apart_are_as_read_together() -> None:
    texts = list(SPOKEN)[::5]
    at_once = spoken.read(texts)
    apart = spoken.together([spoken.read(texts[:4]), spoken.read(texts[4:])])
    assert np.array_equal(at_once.numbers[:, :5], apart.numbers[:, :5])
    assert at_once.weights == pytest.approx(apart.weights, abs=1e-4)
    assert len(at_once.some(3)) <= 3
    assert np.array_equal(at_once.some(100).numbers, at_once.numbers)


def test_how_well_one_matter_names_another_is_what_is_told_of_both() -> None:
    same, number = spoken.same(), KNOWN.index
    assert same.shape == (NONE, NONE)
    assert (same.diagonal() == 1.0).all()
    assert (same >= 0.0).all()
    assert (same <= 1.0).all()
    one, other = number("Refunds"), number("Refund time")
    assert same[one, other] > same[other, one] > 0


SCRIPT = """
import hashlib, sys
from feedback.analysis.topics import spoken
said = spoken.read(sys.argv[1:])
print(hashlib.sha256(said.numbers.tobytes() + said.weights.tobytes()).hexdigest())
"""


def test_what_comes_out_does_not_depend_on_the_order_of_sets() -> None:
    """Sums of fractions differ in their last digits by their order, and sets have another one in each process."""
    long = " and ".join(list(SPOKEN)[:35])
    texts = [long, *list(SPOKEN), *(f"{each} at the station of the old town" for each in list(SPOKEN)[:35])]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, *texts],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    digests = [process.communicate()[0].strip() for process in running]
    assert len(digests[0]) == 2 * hashlib.sha256().digest_size
    assert digests[0] == digests[1]


@pytest.mark.parametrize("language", ["de", "nl", "es"])
def test_a_word_of_thousands_of_letters_has_no_parts(language: str) -> None:
    """There are as many as the cube of its letters: a review would have no memory left."""
    long = "lieferung" * 500
    assert spoken._pieces(f"lieferzeit {long}", language) == spoken._pieces("lieferzeit", language) | {long}


def told(comment: str, language: str) -> dict[str, int]:
    """The matters whose words a comment says, by name."""
    return {KNOWN[number]: many for number, many in spoken._told_in(comment, language).items()}


@pytest.mark.parametrize(
    ("language", "comment", "found"),
    [
        ("de", "Die Lieferzeit war zu lang", {"Delivery time": 1}),
        ("de", "nichts davon", {}),
        ("de", "", {}),
        ("sv", "leveranstid", {}),
        ("ja", "配送料が高い", {"Delivery cost": 1}),
    ],
)
def test_the_words_of_a_matter_are_told_in_other_languages(
    language: str, comment: str, found: dict[str, int]
) -> None:
    assert told(comment, language) == found


@pytest.mark.parametrize("language", sorted(matters.languages() - {"en"}))
def test_what_stands_in_a_longer_clue_that_is_said_tells_nothing(language: str) -> None:
    """As if each clue were compared with each other one, which takes too long in a long comment."""
    clues = [clue for own in matters.said(language).values() for clue in own]
    for start in range(7):
        comment = " ".join(clues[start :: 7 + start])
        here = spoken._pieces(comment, language)
        said = {each for some in spoken._clues_in(language).values() for each in some if each[1] <= here}
        longest = [(number, clue) for number, clue in said if not any(clue < other for _, other in said)]
        assert spoken._told_in(comment, language) == {
            number: max(len(own) for each, own in said if each == number) for number, _ in longest
        }
