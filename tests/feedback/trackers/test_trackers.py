"""Each tracker by itself: what it takes for proof, which issue an address names, and words that stay words."""

import json
import pkgutil
import string
from datetime import UTC, datetime

import pytest

import feedback.trackers
from feedback.trackers import TRACKERS, written
from feedback.trackers.tracker import Account, Draft, Heard
from surveys.base.delivery.defusing import JOINER
from surveys.helpdesks.helpdesk import Call, Ignored
from tests.feedback.trackers.standins import GitHub, Jira, Linear, signed

NOW = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)

SECRET, HELLO = "It's a Secret to Everybody", b"Hello, World!"


def test_every_tracker_is_on_the_contents_page():
    files = {module.name for module in pkgutil.iter_modules(feedback.trackers.__path__)}
    assert files - {"tracker", "written"} == set(TRACKERS)


def test_the_signature_that_github_publishes_is_taken():
    call = Call.of("POST", {"X-Hub-Signature-256": "sha256="
                            "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}, HELLO)  # fmt: skip
    assert TRACKERS["github"].proved(SECRET, call, NOW)


def linear(at, more=0):
    return json.dumps({"type": "Issue", "webhookTimestamp": int(at.timestamp() * 1000) + more}).encode()


@pytest.mark.parametrize(
    ("kind", "headers", "body", "proved"),
    [
        ("github", {"X-Hub-Signature-256": "sha256=" + signed(SECRET, HELLO)}, HELLO, True),
        ("github", {"X-Hub-Signature-256": "sha256=" + signed(SECRET, HELLO)}, HELLO + b" ", False),
        ("github", {"X-Hub-Signature-256": signed(SECRET, HELLO)}, HELLO, False),
        ("github", {"X-Hub-Signature-256": "sha256=" + signed("another secret", HELLO)}, HELLO, False),
        ("github", {"X-Hub-Signature": "sha256=" + signed(SECRET, HELLO)}, HELLO, False),
        ("github", {"X-Hub-Signature-256": "sha256="}, HELLO, False),
        ("github", {}, HELLO, False),
        ("jira", {"X-Hub-Signature": "sha256=" + signed(SECRET, HELLO)}, HELLO, True),
        ("jira", {"X-Hub-Signature": "sha1=" + signed(SECRET, HELLO)}, HELLO, False),
        ("jira", {"X-Hub-Signature": "sha256=" + signed(SECRET, HELLO)}, HELLO[1:], False),
        ("jira", {"X-Hub-Signature-256": "sha256=" + signed(SECRET, HELLO)}, HELLO, False),
        ("jira", {"X-Hub-Signature": "sha256=é\udcff"}, HELLO, False),
        *(
            ("linear", {"Linear-Signature": signed(SECRET, linear(NOW, late))}, linear(NOW, late), proved)
            for late, proved in ((0, True), (-59_000, True), (-61_000, False), (59_000, True), (61_000, False))
        ),
        ("linear", {"Linear-Signature": signed(SECRET, HELLO)}, HELLO, False),
        ("linear", {"Linear-Signature": signed(SECRET, b"{}")}, b"{}", False),
        ("linear", {"Linear-Signature": signed("another secret", linear(NOW))}, linear(NOW), False),
        ("linear", {}, linear(NOW), False),
    ],
)  # fmt: skip
def test_a_call_is_proved_by_its_trackers_own_signature_alone(kind, headers, body, proved):
    assert TRACKERS[kind].proved(SECRET, Call.of("POST", headers, body), NOW) is proved
    assert not TRACKERS[kind].proved("", Call.of("POST", {name: "sha256=" + signed("", body) for name in headers}
                                                 | {"Linear-Signature": signed("", body)}, body), NOW)  # fmt: skip


@pytest.mark.parametrize(
    ("standin", "url", "ref"),
    [
        (GitHub, "https://github.com/acme/shop/issues/12", "12"),
        (GitHub, "https://GitHub.com/Acme/Shop/issues/12/?x=1#issuecomment-3", "12"),
        (GitHub, "https://github.com/acme/shop/pull/12", None),
        (GitHub, "https://github.com/acme/other/issues/12", None),
        (GitHub, "https://github.com.evil.example/acme/shop/issues/12", None),
        (GitHub, "https://github.com/acme/shop/issues/12/../13", None),
        (GitHub, "javascript:alert(1)", None),
        (Jira, "https://acme.atlassian.net/browse/SHOP-7", "SHOP-7"),
        (Jira, "https://acme.atlassian.net/browse/shop-7?focusedId=1", "SHOP-7"),
        (Jira, "https://acme.atlassian.net/browse/OTHER-7", None),
        (Jira, "https://other.atlassian.net/browse/SHOP-7", None),
        (Linear, "https://linear.app/acme/issue/ENG-4/card-declined", "ENG-4"),
        (Linear, "https://linear.app/acme/issue/ENG-4", "ENG-4"),
        (Linear, "https://linear.app/acme/issue/OPS-4", None),
        (Linear, "https://linear.app.evil.example/acme/issue/ENG-4", None),
    ],
)
def test_an_address_names_an_issue_of_its_own_place_alone(standin, url, ref):
    assert TRACKERS[standin.kind].named(Account(standin.settings), url) == ref


@pytest.mark.parametrize("kind", TRACKERS)
@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'{"type": 3}', b"\xff", b'{"type": {"a": []}}', b"[" * 5000]
)
def test_a_proved_call_that_says_nothing_is_no_fault(kind, body):
    account = Account(
        {"repository": "acme/shop", "project": "SHOP", "team": "ENG", "url": "https://x.example"}
    )
    for headers in ({}, {"X-GitHub-Event": "issues"}, {"X-GitHub-Event": "ping"}):
        assert isinstance(TRACKERS[kind].heard(account, Call.of("POST", headers, body)), Ignored)


@pytest.mark.parametrize("standin", [GitHub, Jira, Linear])
def test_a_call_names_its_issue_and_who_moved_it(standin):
    place = standin()
    place.issues = [{"number": 1, "id": "1", "key": "SHOP-1"}]
    body, headers = place.hook(0)
    found = TRACKERS[place.kind].heard(Account(place.settings), Call.of("POST", headers, body))
    assert isinstance(found, Heard)
    assert (found.ref, found.by) == ("1", "octocat" if place.kind == "github" else "Octo Cat")


HOSTILE = [
    "@octocat see #12 and GH-12",
    "<img src=x onerror=alert(1)><script>alert(1)</script>",
    "[click](javascript:alert(1)) ![x](https://evil.example/pixel.png)",
    "https://evil.example www.evil.example me@evil.example",
    "# Heading\n- [ ] task\n> quote\n```\ncode\n```\n===\n1. one",
    "acme/shop#3 SHOP-7 \u202egnp.exe `rm` *bold* _em_ ~~no~~ |a|b|",
    "&lt;b&gt; &#64;octocat \\@octocat",
]


def draft(words):
    return Draft("b6f1c1a5-0000-4000-8000-000000000000", words, [words], "https://us.example/badge/t.svg",
                 "https://us.example/team/topics/top_1")  # fmt: skip


@pytest.mark.parametrize("words", HOSTILE)
def test_words_of_others_are_words_in_markdown_and_nothing_else(words):
    body = written.markdown(draft(words))
    said, *ours = body.split("\n\n")
    at = 0
    while at < len(said):
        if said[at] == "\\":
            at += 1
            assert said[at] in string.punctuation
        else:
            assert said[at] not in string.punctuation
        at += 1
    for live in ("@octocat", "#12", "#3", "GH-12", "SHOP-7", "://", "www.e", "evil.example", "me@e"):
        assert live not in said.replace("\\", ""), live
    assert "\n" not in said
    assert "\u202e" not in said
    assert ours == [
        "![Evidence](https://us.example/badge/t.svg)",
        "[What customers say, for members of the team](https://us.example/team/topics/top_1). Their words stay in "
        "Earshot.",
        "Earshot issue b6f1c1a5-0000-4000-8000-000000000000",
    ]  # fmt: skip
    title = written.title(words)
    assert "@octocat" not in title
    assert "\n" not in title
    assert len(title.replace(JOINER, "")) <= 200


@pytest.mark.parametrize("words", HOSTILE)
def test_words_of_others_are_text_in_an_atlassian_document(words):
    document = written.document(draft(words))
    runs = [run for each in document["content"] for run in each["content"]]
    assert {run["type"] for run in runs} == {"text"}
    assert [run["marks"][0]["attrs"]["href"] for run in runs if "marks" in run] == [
        "https://us.example/badge/t.svg",
        "https://us.example/team/topics/top_1",
    ]
    assert all(run["text"] for run in runs)
    assert "@octocat" not in json.dumps(document["content"][0])
