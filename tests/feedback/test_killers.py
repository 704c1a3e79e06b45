"""Whatever somebody writes, it is read, placed and shown in a time that keeps nobody else waiting."""

import pytest

from feedback.models import Meaning
from tests import effort, killers
from tests.conftest import ON_SQLITE

#: What one comment may take from the others, recorded, read, placed and shown: about a second (`effort.units`).
MOST = 100


@pytest.fixture
def survey(make):
    return make.survey(redact=True, languages=["en", "de"])


@pytest.fixture
def topics(api, make, survey, world):
    """Topics that comments are compared with; the first comment loads the engines."""
    for label, words in (("Parking", "car park"), ("Food", "food"), ("Prices", "top up price")):
        examples = [
            f"The {words} was bad",
            f"I did not like the {words}",
            f"Your {words} is great",
            f"{words}!",
        ]
        api.post("/api/topics", {"label": label, "examples": examples})
    make.response(survey, 3, comment="The car park was full, but the food was great.")
    world.work()


@ON_SQLITE
def test_no_comment_keeps_the_others_waiting_for_a_second(api, make, survey, topics, world, caplog):
    slow = {}
    for number, text in enumerate(killers.texts()):

        def send(text=text, language=("en", "de")[number % 2]):
            row = make.response(survey, 3, comment=text, language=language)
            world.work()
            assert len(api.get(f"/api/responses/{row.id}")["comment"]) <= killers.LONGEST

        taken = effort.units(send, MOST)
        if taken > MOST:
            slow[text[:20]] = taken
    assert slow == {}
    # None was given up half way.
    assert [record.msg for record in caplog.records if record.levelname == "ERROR"] == []
    assert Meaning.select().count() > len(killers.PIECES) // 2
