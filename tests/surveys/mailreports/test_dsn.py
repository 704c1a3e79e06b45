"""Delivery reports and complaints as a mail server hands them on."""

import pytest

from surveys import links
from surveys.helpdesks.helpdesk import Call
from surveys.mailreports import dsn as reading
from surveys.models import Person
from tests.conftest import ON_SQLITE
from tests.surveys.mailreports import senders
from tests.surveys.mailreports.senders import dsn, signed


@pytest.fixture
def server(connect):
    return connect("dsn")


def test_a_mail_that_came_back_suppresses_its_address(tell, server, mailed, api):
    told = tell(server, signed(dsn(to=f"<{mailed.sender}>")))
    assert told == {"decision": "suppressed", "reason": "bounced (5.1.1)", "invitation": mailed.id}
    shown = api.get(f"/api/people/{mailed.person().id}")
    assert shown["bounced_at"] == "2026-11-22T09:59:50.000Z"
    assert shown["last_asked_at"] is None
    row = api.get(f"/api/invitations/{mailed.id}")
    assert (row["status"], row["reason"]) == ("failed", "the mail bounced (5.1.1)")
    receipt = mailed.ask()
    assert (receipt["decision"], receipt["rule"]) == ("suppressed", "bounced")
    assert "2026-11-22" in receipt["reason"]


def test_the_same_report_again_changes_nothing(tell, server, mailed):
    post = signed(dsn(to=mailed.sender))
    tell(server, post)
    assert tell(server, post)["reason"] == "bounced (5.1.1); that is known already"
    assert mailed.row().status == "failed"


NO_NEWS = [
    ("delayed", "4.4.1"),
    ("failed", "4.4.7"),
    ("delivered", "2.0.0"),
    ("relayed", "2.0.0"),
    ("expanded", "2.0.0"),
    ("delayed", "5.0.0"),
    ("failed", ""),
]


@ON_SQLITE
@pytest.mark.parametrize(("action", "status"), NO_NEWS)
def test_what_is_not_for_good_changes_nothing(tell, server, mailed, action, status):
    raw = dsn(to=mailed.sender, action=action, status=status, diagnostic="")
    told = tell(server, signed(raw))
    assert told["decision"] == "ignored"
    assert action in told["reason"]
    assert (mailed.person().bounced_at, mailed.row().status) == (None, "sent")


def test_without_a_status_the_reply_of_the_server_counts(tell, server, mailed):
    assert tell(server, signed(dsn(to=mailed.sender, status="")))["decision"] == "suppressed"


def test_a_mail_that_reached_one_of_several_is_no_bounce(tell, server, mailed):
    second = ["", "Final-Recipient: rfc822; b@c.example", "Action: relayed", "Status: 2.0.0"]
    assert tell(server, signed(dsn(to=mailed.sender, more=second)))["decision"] == "ignored"


WAYS = {
    "the address it came to": lambda m: {"to": m.sender},
    "the same in upper case": lambda m: {"to": m.sender.upper()},
    "the Message-ID that came back": lambda m: {"returned": [f"Message-ID: <{m.id}@acme.example>"]},
    "the Message-ID of the reminder": lambda m: {"returned": [f"Message-ID: <{m.id}.reminder@acme.example>"]},
    "our header that came back": lambda m: {"returned": [f"X-Earshot-Invitation: {m.id}"]},
    "the envelope sender that came back": lambda m: {"returned": [f"Return-Path: <{m.sender}>"]},
    "a whole mail that came back": lambda m: {
        "returned": [f"Message-ID: <{m.id}@a.example>", "", "Hello"],
        "returned_kind": "message/rfc822",
    },
    "the international form": lambda m: {"to": m.sender, "kind": "message/global-delivery-status"},
}


@ON_SQLITE
@pytest.mark.parametrize("way", WAYS)
def test_the_invitation_is_found_by(tell, server, mailed, way):
    told = tell(server, signed(dsn(**WAYS[way](mailed))))
    assert (told["decision"], told["invitation"]) == ("suppressed", mailed.id)


def test_the_mail_server_may_say_whom_the_report_was_for(tell, server, mailed):
    post = signed(dsn())
    post.headers["X-Envelope-To"] = mailed.sender
    assert tell(server, post)["decision"] == "suppressed"


def test_a_report_about_a_mere_address_is_not_believed(tell, server, mailed):
    """Anybody can send such a report to the mailbox."""
    told = tell(server, signed(dsn()))
    assert told["decision"] == "ignored"
    assert told["reason"] == "bounced (5.1.1), and is about no invitation that is known here"
    assert mailed.person().bounced_at is None


def test_an_envelope_sender_that_we_did_not_sign_is_not_believed(tell, server, mailed):
    name, _, domain = mailed.sender.partition("@")
    last = "0" if name[-1] != "0" else "1"
    assert tell(server, signed(dsn(to=f"{name[:-1]}{last}@{domain}")))["decision"] == "ignored"


def test_an_invitation_of_somebody_erased_is_no_fault(tell, server, mailed, api):
    sender = mailed.sender
    api.delete(f"/api/people/{mailed.person().id}")
    assert tell(server, signed(dsn(to=sender)))["decision"] == "ignored"
    assert Person.select().count() == 0


def test_a_letter_that_came_back_has_failed_and_the_next_is_not_sent(world, tell, server, mailed, api):
    body = {
        "survey": mailed.survey.id,
        "score": 1,
        "person": {"email": mailed.person().email},
        "contact": "reply",
    }
    case = api.post("/api/follow-ups", {"response": api.post("/api/responses", body)["id"]})
    path = f"/api/follow-ups/{case['id']}"
    api.post(f"{path}/reply", {"text": "We are sorry."}, 202)
    world.work()
    [letter] = api.get(path)["letters"]
    told = tell(server, signed(dsn(to=links.bounce(letter["id"]))))
    assert told == {"decision": "suppressed", "reason": "bounced (5.1.1)", "invitation": None}
    after = api.get(path)
    assert [(each["state"], each["reason"]) for each in after["letters"]] == [
        ("failed", "the mail bounced (5.1.1)")
    ]
    assert (after["first_answer_at"], after["history"][-1]["unmailed"]) == (None, "reply")
    api.post(f"{path}/reply", {"text": "Once more."}, 409)
    # The report that comes again, and one about a letter that nobody knows, change nothing.
    tell(server, signed(dsn(to=links.bounce(letter["id"]))))
    assert api.get(path)["history"] == after["history"]
    assert tell(server, signed(dsn(to=links.bounce("let_" + "0" * 24))))["decision"] == "ignored"


def test_a_complaint_unsubscribes(tell, server, mailed, api):
    raw = senders.complaint(["Feedback-Type: abuse", f"Original-Mail-From: <{mailed.sender}>"])
    told = tell(server, signed(raw))
    assert told == {"decision": "unsubscribed", "reason": "complained (abuse)", "invitation": mailed.id}
    assert mailed.ask()["rule"] == "unsubscribed"
    assert mailed.person().bounced_at is None
    # Nobody answers them by mail either, whatever they allowed before.
    body = {
        "survey": mailed.survey.id,
        "score": 1,
        "person": {"email": mailed.person().email},
        "contact": "reply",
    }
    said = api.post("/api/responses", body)
    tell(server, signed(raw))
    assert api.get(f"/api/responses/{said['id']}")["contact"] is None


def test_a_complaint_finds_the_mail_that_it_encloses(tell, server, mailed):
    raw = senders.complaint(["Feedback-Type: abuse"], returned=[f"Message-ID: <{mailed.id}@acme.example>"])
    assert tell(server, signed(raw))["decision"] == "unsubscribed"


def test_a_report_that_says_no_spam_changes_nothing(tell, server, mailed):
    raw = senders.complaint(["Feedback-Type: not-spam", f"Original-Mail-From: <{mailed.sender}>"])
    assert tell(server, signed(raw))["decision"] == "ignored"
    assert mailed.person().unsubscribed_at is None


def deep(levels):
    """A multipart in a multipart in …"""
    opened = "".join(f"--{n}\nContent-Type: multipart/mixed; boundary={n + 1}\n\n" for n in range(levels))
    return f"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=0\n\n{opened}".encode()


HOSTILE = {
    "nothing": b"",
    "one line": b"hello",
    "only line ends": b"\r\n" * 5000,
    "zeros": b"\0" * 5000,
    "no text at all": bytes(range(256)) * 200,
    "a plain answer": b"From: ann@customer.example\nSubject: I am away\n\nBack on Monday",
    "ten thousand levels": deep(10_000),
    "forty levels": deep(40),
    "many headers": b"A: b\n" * 100_000,
    "one long header": b"Subject: " + b"(" * 900_000,
    "many parts": b"Content-Type: multipart/report; boundary=x\n\n" + b"--x\n\n" * 100_000,
    "a broken charset": dsn().replace(b"us-ascii", b"utf-7\xff"),
    "an unknown charset in the type": dsn().replace(
        b"report-type=delivery-status", b"report-type*=x-no''%E9"
    ),
    "a status without fields": b"Content-Type: multipart/report; boundary=x\n\n--x\n"
    b"Content-Type: message/delivery-status\n\n\n--x--\n",
    "a status encoded away": dsn().replace(
        b"message/delivery-status", b"message/delivery-status\r\nContent-Transfer-Encoding: base64"
    ),
    "cut short": dsn()[:300],
    "a report without boundary": dsn().replace(b'boundary="x=42"', b""),
    "words encoded": dsn().replace(b"Action: failed", b"Action: =?utf-8?q?failed?="),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_cannot_be_read_is_told_with_the_reason(what):
    [told] = reading.read(Call.of("POST", {}, HOSTILE[what]), senders.NOW)
    assert told.kind == "other" or told.invitation is None
    assert told.reason


def test_what_cannot_be_read_is_answered(tell, server):
    for raw in HOSTILE.values():
        told = tell(server, signed(raw))
        assert told["decision"] == "ignored"
        assert told["reason"]


def test_more_than_a_mebibyte_is_refused(client, server):
    assert signed(b"A: b\n" * 300_000).send(client, server).status_code == 413


def test_a_pipe_may_write_the_line_of_the_mbox_format_first(tell, server, mailed):
    raw = b"From MAILER-DAEMON Sun Nov 22 10:00:00 2026\n" + dsn(to=mailed.sender)
    assert tell(server, signed(raw))["decision"] == "suppressed"


@pytest.mark.parametrize("place", [0, 200, -2])
def test_a_flipped_byte_is_a_401_without_a_body(client, server, mailed, place):
    answer = signed(dsn(to=mailed.sender)).flipped(place).send(client, server)
    assert (answer.status_code, answer.data) == (401, b"")
    assert mailed.person().bounced_at is None


def test_an_old_signature_is_a_401(client, server, mailed, clock):
    post = signed(dsn(to=mailed.sender))
    clock.shift(301)
    assert post.send(client, server).status_code == 401


def test_the_secret_itself_will_do_and_another_will_not(client, server, mailed):
    post = senders.Post(dsn(to=mailed.sender), {"Authorization": f"Bearer {senders.DSN_SECRET}x"})
    answer = post.send(client, server)
    assert (answer.status_code, answer.data) == (401, b"")
    post.headers["Authorization"] = f"Bearer {senders.DSN_SECRET}"
    assert post.send(client, server).status_code == 200
    assert mailed.person().bounced_at is not None
