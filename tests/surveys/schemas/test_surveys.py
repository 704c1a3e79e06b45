"""What a survey's body refuses."""

import pytest

from surveys.base.http import problems
from surveys.schemas.surveys import LookQuery, SurveyBody, SurveyPatch

BODY = {"name": "Shop", "metric": "nps"}


def refused(values, schema=SurveyBody):
    """The names of the fields that are refused."""
    return list(problems.flatten(schema().validate({**BODY, **values})))


#: The field that is refused, what is right, and how to put a value there.
WHOLE = [
    ("widget.color", "#aabbcc", lambda value: {"widget": {"color": value}}),
    ("send_window.opens", "09:00", lambda value: {"send_window": {"opens": value, "closes": "17:30"}}),
    ("send_window.closes", "17:30", lambda value: {"send_window": {"opens": "09:00", "closes": value}}),
    ("thanks_link.url", "https://a.example/x", lambda value: {"thanks_link": {"url": value, "text": {"en": "a"}}}),
    ("mail.reply_to", "care@acme.example", lambda value: {"mail": {"reply_to": value}}),
    ("languages.0", "de", lambda value: {"languages": [value]}),
    ("question.de.key", "de", lambda value: {"question": {value: "Wie?"}}),
    ("labels", "de", lambda value: {"labels": {value: {"low": "schlecht"}}}),
    ("status", "active", lambda value: {"status": value}),
    ("widget.mode", "tab", lambda value: {"widget": {"mode": value}}),
]  # fmt: skip


@pytest.mark.parametrize(("field", "right", "body"), WHOLE)
def test_what_only_begins_as_it_should_is_refused(field, right, body):
    assert refused(body(right)) == []
    for ending in ("\n", "\r", "\r\n", "\x85", " ", "\t"):
        wrong = right + ending
        assert [name.replace(wrong, right) for name in refused(body(wrong))] == [field], ending
        assert refused(body(wrong), SurveyPatch) == refused(body(wrong))


@pytest.mark.parametrize("address", ["jürgen@acme.example", "a@b@acme.example", "care", "care@acme .example"])
def test_replies_go_to_an_address_that_mail_can_be_sent_to(address):
    assert refused({"mail": {"reply_to": address}}) == ["mail.reply_to"]


def test_an_hour_is_written_in_plain_digits():
    assert refused({"send_window": {"opens": "0٩:٠٠", "closes": "17:30"}}) == ["send_window.opens"]


@pytest.mark.parametrize("pattern", ["/shop\n", "\n", "/a,/b", ""])
def test_a_page_pattern_is_one_line_without_commas(pattern):
    assert refused({"widget": {"pages": ["/cart", pattern]}}) == ["widget.pages.1"]


@pytest.mark.parametrize(
    "query", [{"color": "#aabbcc\n"}, {"lang": "en\n"}, {"mode": "tab\n"}, {"metric": "nps\n"}]
)
def test_a_look_that_only_begins_as_it_should_is_refused(query):
    assert list(LookQuery().validate(query)) == list(query)
