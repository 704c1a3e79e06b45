"""What says nothing of the subject is taken out; what makes several statements is parted."""

import pytest

from feedback.analysis import cleaning


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("@SouthWind flight late again https://t.co/x1 #fail", "flight late again fail"),
        ("write to jo.doe@mail.example or www.shop.example/a?b=c now", "write to or now"),
        ("see example.com for it", "see for it"),
        ("call +49 (170) 123-45-67 please", "call please"),
        ("order A1B2C3D4E5 is missing", "order is missing"),
        ("Nothing works.\n\nBest regards,\nJane Doe\nACME Ltd", "Nothing works."),
        ("All fine\n-- \nJane", "All fine"),
        ("All fine\n\n \n  Cheers, Jane\n" + "and more\n" * 20, "All fine"),
        ("All fine\n--- \nJane", "All fine\n---\nJane"),
        ("so sloooooow!!!!!!!", "so sloow!!"),
        ("zero\x00width\u200b  and\ttabs", "zero width and tabs"),
        ("look at HTTP://shop now", "look at now"),
        ("order \u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668 is missing", "order is missing"),
        ("", ""),
        ("one\n\ntwo", "one\ntwo"),
    ],
)
def test_links_handles_numbers_and_signatures_are_taken_out(text, left):
    assert cleaning.strip(text) == left


def test_a_huge_paste_is_cut():
    assert len(cleaning.strip("word " * 20_000)) <= cleaning.LONGEST


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("The staff were kind, but parking was awful", ["The staff were kind", "parking was awful"]),
        ("The room was clean. The food was cold!", ["The room was clean", "The food was cold!"]),
        ("Great. Thanks.", ["Great. Thanks"]),
        ("Very good. Ok. The food was cold. So. No.", ["Very good. Ok", "The food was cold. So. No"]),
        ("It is good  ,  however  , it costs too much", ["It is good", "it costs too much"]),
        ("I love the app", ["I love the app"]),
        ("", []),
    ],
)
def test_a_comment_is_parted_into_its_statements(text, parts):
    assert cleaning.statements(text) == parts


def test_statements_have_a_limit():
    assert len(cleaning.statements("this is one sentence. " * 100)) == 12
