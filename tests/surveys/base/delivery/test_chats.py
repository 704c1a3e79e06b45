"""Messages of every transport with hostile comments, against the limits that the vendors write down."""

import json
import re
from datetime import UTC, datetime

import pytest

from surveys.base.delivery import discord, mailed, slack, teams, webhook
from surveys.base.delivery.client import Answer
from surveys.base.delivery.defusing import JOINER, cut, plain, units
from surveys.base.delivery.message import Message, mime

LINK = "https://earshot.example/team/feed/1"

HOSTILE = [
    "<!channel> <!here> <!subteam^S1> <@U1> <#C1> <https://evil.example|click> &amp; &lt;!channel&gt;",
    "@everyone @here <@1> <@&1> <#1> </run:1> <:x:1> <t:1> [click](https://evil.example) <https://evil.example>",
    "<at>Ann</at> **bold** _it_ ~~no~~ `code` # head\n- list\n> quote\n|| hidden ||\n```\nblock",
    "http://evil.example www.evil.example evil.example me@evil.example //evil.example \\\\evil.example\\share",
    "ev\u200bil.exam\u2060ple \u202emoc.live\u202c http:\u2060//evil.example",
    '"}],"x":1 \x00\x07\x1b[31m \r\nBcc: all@evil.example\r\n\r\n.\r\n',
    "=?utf-8?q?hi=0D=0ABcc:_all@evil.example?=",
    "*" * 9000,
    "😀👩‍👩‍👧‍👦" * 900,
    "字" * 10_000,
    "a." * 5000,
    "\U0001d518" * 5000,
    "@\u200deveryone \u200e@\u200fhere <\u200d!channel> \u061c\uff20channel x\uff0eexample x\u3002example",
    "](https://evil.example)[\u200d](x) !\u200d[i](//evil.example/i.png) \\[a\\](b)",
    "\ud83d half",
    "<" * 5000,
    "\n" * 5000,
]

#: What would be made into a link, a mention or an address by whoever shows the text.
LIVE = re.compile(r"\w\.\w|:/|//|@\w|#\w|[\u202a-\u202e\u2066-\u2069\x00\x07\x1b]")


def told(words):
    return {
        "type": "notice.began",
        "timestamp": "2026-11-20T09:30:00.000Z",
        "data": {
            "title": "Low scores" + words,
            "why": f"Comments speak of {words}",
            "lines": [["Topics", words], ["Agent", words], ["Score", "2"]],
            "quote": words,
            "link": LINK,
            "rule": {"id": "rule_1", "name": "x", "link": LINK},
        },
    }


@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_that_somebody_typed_mentions_links_or_breaks(words):
    message = json.loads(slack.Slack().body(told(words)))
    header, *sections, context = message["blocks"]
    assert units(header["text"]["text"]) <= 150
    assert all(1 <= units(each["text"]["text"]) <= 3000 for each in sections)
    assert len(message["blocks"]) <= 50
    assert units(json.dumps(message, ensure_ascii=False)) <= 13_000
    assert {each["text"]["type"] for each in (header, *sections)} == {"plain_text"}
    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", message["text"])
    shown = [message["text"], *(each["text"]["text"] for each in (header, *sections))]
    assert context["elements"][0]["text"].count("<https://earshot.example") == 2

    body = teams.Teams().body(told(words))
    assert len(body) <= 21_000
    [attachment] = json.loads(body)["attachments"]
    card = attachment["content"]
    assert (attachment["contentType"], card["version"]) == (teams.CARD, "1.2")
    assert {each["type"] for each in card["body"]} == {"RichTextBlock"}
    assert "msteams" not in card
    shown += [run["text"] for each in card["body"] for run in each["inlines"]] + [card["fallbackText"]]

    message = json.loads(discord.Discord().body(told(words)))
    [embed] = message["embeds"]
    assert message["allowed_mentions"] == {"parse": []}
    assert set(message) == {"embeds", "allowed_mentions"}
    assert units(embed["title"]) <= 256
    assert units(embed["description"]) <= 4096
    assert len(embed["fields"]) <= 25
    assert all(1 <= units(each["value"]) <= 1024 for each in embed["fields"])
    parts = [embed["title"], embed["description"], embed["footer"]["text"]]
    assert (
        sum(map(units, parts)) + sum(units(each["name"] + each["value"]) for each in embed["fields"]) <= 6000
    )
    for each in (embed["title"], embed["description"], *(one["value"] for one in embed["fields"])):
        # All markup is escaped, and by a backslash that is none itself.
        assert not re.search(r"(?<!\\)(?:\\\\)*[*_~`|<\[\]#]", each)
        shown.append(re.sub(r"\\(.)", r"\1", each))

    mail = json.loads(mailed.Mailed().body(told(words)))
    assert "\n" not in mail["subject"]
    assert units(mail["subject"]) <= 150
    shown += [mail["subject"], mail["text"].replace(LINK, "")]
    message = Message("a@b.example", mail["subject"], mail["text"], mail["html"], headers=mail["headers"])
    wire = mime(message, "Earshot <us@x.example>", datetime(2026, 11, 29, tzinfo=UTC)).as_bytes()
    assert max(map(len, wire.split(b"\r\n"))) <= 998
    for each in shown:
        assert not LIVE.search(each.replace("Earshot · ", "")), each[:200]


def test_words_stay_readable():
    assert plain("Good, 3.5 of 5!\nThanks", 100).replace(JOINER, "") == "Good, 3.5 of 5!\nThanks"
    assert plain("x" * 20, 10) == "x" * 9 + "…"
    assert plain("😀" * 20, 10) == "😀" * 4 + "…"
    assert [cut("😀" * 5, most) for most in (10, 9)] == ["😀" * 5, "😀" * 4 + "…"]


def test_what_an_answer_of_a_chat_says():
    cases = [
        (200, {}, (None, 0, False)),
        (429, {"Retry-After": "30"}, ("answered 429", 30, False)),
        (429, {"retry-after": "1.5"}, ("answered 429", 2, False)),
        (429, {"Retry-After": "soon"}, ("answered 429", 0, False)),
        (404, {}, ("answered 404", 0, True)),
        (500, {}, ("answered 500", 0, False)),
    ]
    for status, headers, expected in cases:
        found = webhook.outcome_of(Answer(status, headers, b""), (404, 410))
        assert (found.error, found.wait, found.unwanted) == expected
    # A webhook of a program that is being deployed may be away for a moment.
    assert not webhook.outcome_of(Answer(404, {}, b"")).unwanted
