"""What topics are called."""

from collections import defaultdict

import pytest

from feedback.analysis.topics import matters, naming, reviewing, vectors, wording
from feedback.analysis.topics.naming import Name

PARKING = ["the car park was full again", "a full car park in the morning", "your car park is always full"]
LIFT = ["the glass fountain was dry", "a dry glass fountain on all floors", "glass fountain again"]
STAFF = ["such friendly staff at the desk", "the friendly staff helped me", "I liked the friendly staff"]


def named(comments: list[str], *others: list[str]) -> Name:
    """The name of a topic of `comments` beside `others`."""
    encode = vectors.load().encode
    texts = {str(at): each for at, each in enumerate((comments, *others))}
    centres = {topic: reviewing.mean_direction(encode(each)) for topic, each in texts.items()}
    return naming.name(texts, centres, vectors.load())["0"]


def test_a_topic_is_called_what_its_comments_share_and_others_do_not():
    assert wording.stems(named(LIFT, STAFF).label) >= wording.stems("glass fountain")


@pytest.mark.parametrize(
    ("said", "matter"),
    [
        (["the car park was full again", "a full car park in the morning", "nowhere to park"], "Parking"),
        (
            ["such friendly staff at the desk", "rude staff", "I liked the staff", "the team was kind"],
            "Staff",
        ),
        (
            ["my parcel came two weeks late", "slow shipping", "delivered on time!", "late delivery"],
            "Delivery time",
        ),
    ],
)
def test_praise_and_complaint_of_one_matter_have_its_name(said, matter):
    assert named(said, LIFT).label == matter


def test_two_topics_of_one_matter_have_two_names():
    texts = {"0": PARKING, "1": PARKING[:2]}
    encode = vectors.load().encode
    centres = {topic: reviewing.mean_direction(encode(each)) for topic, each in texts.items()}
    labels = {name.label for name in naming.name(texts, centres, vectors.load()).values()}
    assert len(labels) == 2
    assert "Parking" in labels


def test_what_marks_a_second_topic_of_a_matter_stands_beside_its_name():
    late = ["My parcel came two weeks late", "Late delivery", "Slow shipping", "Delivered on time"]
    harmonicas = [f"{each}, the harmonica" for each in late[:3]]
    encode = vectors.load().encode
    texts = {"0": late, "1": harmonicas, "2": STAFF}
    centres = {topic: reviewing.mean_direction(encode(each)) for topic, each in texts.items()}
    names = naming.name(texts, centres, vectors.load())
    assert [names[topic].label for topic in "01"] == ["Delivery time", "Delivery time: harmonica"]
    assert matters.own_words(names["1"].label) == "harmonica"
    assert matters.of(names["1"].label) == matters.of("Lieferzeit: Sofa") == "Delivery time"


def test_a_topic_is_called_in_each_language_of_its_comments():
    said = [
        "my parcel came two weeks late",
        "late delivery",
        "Das Paket kam viel zu spät an",
        "Lieferung war zu spät",
    ]
    assert named(said, LIFT, STAFF).names == {"en": "Delivery time", "de": "Lieferzeit"}


def test_every_matter_is_known_by_its_own_words():
    """A line that is not `name: clue, clue` is a mistake, and so are two of one name."""
    listed = [(matter.name, matter.clues) for matter in matters.load("en")]
    assert len({wording.stems(name) for name, _ in listed}) == len(listed) > 100
    assert all(1 <= len(name.split()) <= 4 and len(clues) >= 3 and all(clues) for name, clues in listed)


def test_where_every_comment_is_long_a_third_phrase_stands_for_one():
    tail = " and nobody at all was able to tell us anything about it for the whole long rainy weekend"
    said = [start + tail for start in ("the lift was broken", "lift broken on all floors", "a broken lift")]
    name = named(said, STAFF, PARKING)
    assert len(name.candidates) == 3
    assert all(len(candidate.split()) <= 5 for candidate in name.candidates)


def test_nothing_stands_beside_a_feeling():
    praise = ["amazing, just great", "I love it, fantastic", "perfect and wonderful", "so happy, excellent"]
    toasters = [f"{each}, the toaster" for each in praise]
    encode = vectors.load().encode
    texts = {"0": praise, "1": praise[:3], "2": toasters, "3": STAFF}
    centres = {topic: reviewing.mean_direction(encode(each)) for topic, each in texts.items()}
    labels = [name.label for name in naming.name(texts, centres, vectors.load()).values()]
    assert len(set(labels)) == 4
    assert not any(": " in label for label in labels), labels


LATE = ["My parcel came two weeks late", "Late delivery", "Slow shipping", "Delivered on time"]


def named_beside(tail: str, *others: list[str]) -> str:
    """What a second topic of late parcels is called whose comments all end so."""
    texts = {str(at): each for at, each in enumerate((LATE, [each + tail for each in LATE[:3]], *others))}
    encode = vectors.load().encode
    centres = {topic: reviewing.mean_direction(encode(each)) for topic, each in texts.items()}
    return naming.name(texts, centres, vectors.load())["1"].label


@pytest.mark.parametrize(
    ("tail", "label"),
    [
        (", the harmonica", "Delivery time: harmonica"),
        (" to the canyon", "Delivery time: canyon"),
        (" to Dresden", "Delivery"),
        (" said Nigel", "Delivery"),
        (" to denver", "Delivery"),
    ],
)
def test_a_thing_marks_a_topic_and_no_place_or_person(tail, label):
    assert named_beside(tail, STAFF) == label


def test_where_nobody_writes_capitals_only_what_is_known_marks_a_topic():
    """Names of makers look like things there."""
    late = [each.lower() for each in LATE]

    def called(tail: str) -> str:
        texts = {"0": late, "1": [each + tail for each in late[:3]], "2": STAFF}
        centres = {
            topic: reviewing.mean_direction(vectors.load().encode(each)) for topic, each in texts.items()
        }
        return naming.name(texts, centres, vectors.load())["1"].label

    assert called(", the jacket") == "Delivery time: jacket"
    assert "harmonica" not in called(", the harmonica")


def test_what_is_said_everywhere_marks_no_topic():
    tail = " in the canyon"
    assert named_beside(tail, STAFF, LIFT) == "Delivery time: canyon"
    everywhere = [[each + tail for each in said] for said in (STAFF, LIFT)]
    assert named_beside(tail, *everywhere) == "Delivery"


@pytest.mark.parametrize(
    "said",
    [["??", "?? ??", "??!"], ["zzyzx", "zzyzx qq", "zzyzx ww"], ["3", "33", "3 3"], ["aha", "ahaha", "haha"]],
)
def test_what_is_near_to_no_matter_is_called_by_none(said):
    assert matters.of(named(said, STAFF, PARKING).label) is None
    assert named(said).label not in matters.broader()


def test_what_says_no_word_is_called_by_its_sign():
    assert named(["👍", "👍👍", "👍 👍"], STAFF).label == "👍"
    assert named(["??", "?? ??"]).label == "??"


@pytest.mark.parametrize(
    ("said", "matter"),
    [
        (
            ["just one step, clear", "a clear step", "the steps are clear", "clear, but a step too many"],
            "Cleanliness",
        ),
        (
            ["a warm jacket", "jacket keeps me warm", "such a warm jacket", "warm enough in snow"],
            "Food temperature",
        ),
        (
            ["I'd give no star", "only 1 star", "zero stars if I could", "it gets two stars"],
            "Loyalty programme",
        ),
        (
            ["we were in Vegas", "best of all Vegas", "our trip to Vegas", "in Vegas for the first time"],
            "Reservations",
        ),
    ],
)
def test_a_word_with_two_meanings_names_no_topic_by_itself(said, matter):
    """What these were once called."""
    assert named(said, LIFT, STAFF).label != matter


def test_who_gives_stars_speaks_of_ratings():
    assert (
        named(["I'd give no star", "only one star", "zero stars if I could"], STAFF).label == "Star ratings"
    )


def test_two_topics_of_a_matter_may_be_told_apart_by_another_one():
    battery = ["battery life", "poor battery", "the battery drains", "battery lasts long"]
    screen = ["the screen", "a bright screen", "the screen is cracked", "display too dark"]
    both = [
        "a good battery",
        "a scratched screen",
        "the battery was empty",
        "screen fine",
        "battery life",
        "a display",
    ]
    encode = vectors.load().encode
    texts = {"0": battery, "1": both, "2": screen}
    centres = {topic: reviewing.mean_direction(encode(each)) for topic, each in texts.items()}
    names = naming.name(texts, centres, vectors.load())
    assert {names[topic].label for topic in "02"} == {"Battery life", "Screen"}
    assert names["1"].label in ("Battery life & screen", "Screen & battery life")
    assert matters.own_words(names["1"].label) == ""
    assert matters.translated("Service & food", "de") == "Service & Essen"
    assert matters.of("Service & Essen") == matters.of("Service & food") == "Service & food"


def test_what_stands_beside_a_matter_does_not_say_it_again():
    """A printer is what prints: it marks none of two topics on printing."""
    printing = ["prints well", "it prints fine", "printing is loud", "prints a page a minute"]
    printers = ["a good printer, prints well", "the printer prints fine", "printer with loud printing"]
    encode = vectors.load().encode
    texts = {"0": printing, "1": printers, "2": STAFF, "3": LIFT}
    centres = {topic: reviewing.mean_direction(encode(each)) for topic, each in texts.items()}
    labels = [name.label for name in naming.name(texts, centres, vectors.load()).values()]
    assert not any(label.endswith(": printer") for label in labels), labels


@pytest.mark.parametrize(
    ("said", "label"),
    [
        (
            ["Wird es morgen regnen?", "regnet es heute", "Wie viel Schnee fällt?", "ein Regenschirm"],
            "Regen und Schnee",
        ),
        (["stel een wekker in", "zet de wekker voor acht uur", "wekker voor morgen"], "Wekker zetten"),
        (["il corriere non ha suonato", "corriere gentile", "il corriere è sparito"], "Fattorini"),
        (["avec la carte cadeau", "carte cadeau refusée", "ma carte cadeau"], "Cartes cadeaux"),
    ],
)
def test_a_matter_is_known_by_its_words_in_other_languages(said, label):
    assert named(said, STAFF, LIFT).label == label


def test_each_matter_has_a_name_in_each_language_and_words_are_of_known_matters():
    known = {matter.name for matter in matters.load("en")}
    others = sorted(matters.languages() - {"en"})
    assert len(others) == 8
    for name in (*known, *matters.broader(), *matters.OTHERS):
        assert all(matters.translated(name, language) for language in others), name
    assert {name for under in matters.broader().values() for name in under} <= known
    for language in others:
        said = matters.said(language)
        assert said
        assert said.keys() <= known, said.keys() - known
        assert all(clue for clues in said.values() for clue in clues)


def test_what_has_nothing_in_common_is_called_so():
    words = "zyx qwf vbn jkl mrt plk dfg hjw xcv rtz"
    label = named([f"the {word} {word}" for word in words.split()] * 2, STAFF, PARKING).label
    assert label in matters.OTHERS
    assert matters.of(label) is None
    assert matters.other("Sonstiges") == "Other remarks"


def test_what_says_little_is_no_answer_that_says_nothing():
    """A short remark is near to all that says little; only who says so has nothing to add."""
    assert (
        named(["this is possible", "anybody can explain", "there is a way to do so"], STAFF).label
        != "Nothing to add"
    )
    assert (
        named(["see above", "none", "nothing comes to mind", "none, see above"], STAFF).label
        == "Nothing to add"
    )


def test_each_name_of_a_matter_names_this_matter_alone():
    """A label is read back into English by its name, so a name that two matters share would lead to the wrong one."""
    named = defaultdict(set)
    for matter in (*(each.name for each in matters.load("en")), *matters.broader(), *matters.OTHERS):
        for language in matters.languages():
            named[(matters.translated(matter, language) or matter).casefold()].add(matter)
    assert {name: each for name, each in named.items() if len(each) > 1} == {}


@pytest.mark.parametrize(
    ("language", "name", "english"),
    [
        ("de", "Bezahlung", "Payment"),
        ("de", "Gehalt und Bezahlung", "Salary and pay"),
        ("de", "Bedienung", "Ease of use"),
        ("es", "Dirección", "Management"),
        ("fr", "Commandes", "Orders"),
        ("ar", "رسوم الشحن", "Delivery cost"),
    ],
)
def test_a_name_that_two_matters_shared_leads_to_the_one_that_kept_it(language, name, english):
    assert matters.of(name) == english
    assert matters.translated(english, language) == name
