"""Mail over a real SMTP server and into the outbox."""

import contextlib
import socket
import threading
import time
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import ClassVar

import pytest
from aiosmtpd.smtp import AuthResult

from surveys.base.delivery import mail
from surveys.base.delivery.deadline import Deadline
from surveys.base.delivery.mail import Outbox, Smtp, read
from surveys.base.delivery.message import DeliveryFailed, DeliveryUnknown, Message
from tests import dripping, servers
from tests.dripping import says
from tests.mailserver import serving

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SENDER = "Acme <care@acme.example>"
MESSAGE = Message(to="ann@example.com", subject="How was it?", text="Tell us")


@pytest.fixture
def server():
    with serving() as running:
        yield running


def test_a_message_arrives_with_its_envelope(server):
    Smtp(server.url, SENDER).send(MESSAGE, NOW)
    (envelope,) = server.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("care@acme.example", ["ann@example.com"])
    assert b"Subject: How was it?" in envelope.content
    assert b"Tell us" in envelope.content


@pytest.mark.parametrize(
    ("stage", "reply", "again"),
    [
        # Only what is said of the recipient or of the text is about this message.
        ("mail", "550 Sender not allowed", True),
        ("mail", "530 Authentication required", True),
        ("rcpt", "550 No such user", False),
        ("rcpt", "451 Greylisted", True),
        ("data", "554 Spam", False),
        ("data", "452 Too many", True),
    ],
)
def test_a_refusal_says_whether_trying_again_makes_sense(server, stage, reply, again):
    setattr(server, stage, reply)
    with pytest.raises(DeliveryFailed) as caught:
        Smtp(server.url, SENDER).send(MESSAGE, NOW)
    assert caught.value.again is again


def test_a_password_that_changed_loses_no_mail():
    def refuse(*_):
        return AuthResult(success=False, handled=False)

    with (
        serving(auth_require_tls=False, authenticator=refuse) as server,
        pytest.raises(DeliveryFailed, match="535") as caught,
    ):
        Smtp(f"smtp://user:old@127.0.0.1:{server.port}", SENDER).send(MESSAGE, NOW)
    assert caught.value.again is True


def test_a_domain_in_any_letters_is_sent_as_servers_write_it(server):
    Smtp(server.url, SENDER).send(Message(to="anna@exämple.de", subject="s", text="t"), NOW)
    (envelope,) = server.envelopes
    assert envelope.rcpt_tos == ["anna@xn--exmple-cua.de"]
    assert b"To: anna@xn--exmple-cua.de" in envelope.content


def test_a_server_that_is_not_there_may_be_tried_again():
    with pytest.raises(DeliveryFailed) as caught:
        Smtp(f"smtp://127.0.0.1:{servers.free_port()}", SENDER).send(MESSAGE, NOW)
    assert caught.value.again is True


def test_a_server_without_tls_gets_nothing_where_tls_is_required(server):
    with pytest.raises(DeliveryFailed):
        Smtp(server.url + "?starttls=1", SENDER).send(MESSAGE, NOW)
    assert server.envelopes == []


def test_name_and_password_are_those_of_the_address():
    seen = []

    def check(server, session, envelope, mechanism, credentials):
        seen.append((credentials.login, credentials.password))
        return AuthResult(success=True)

    with serving(auth_require_tls=False, authenticator=check) as server:
        Smtp(f"smtp://us%40er:p%3Ass@127.0.0.1:{server.port}", SENDER).send(MESSAGE, NOW)
    assert seen == [(b"us@er", b"p:ss")]
    assert len(server.envelopes) == 1


def test_a_line_that_breaks_after_the_text_leaves_it_unknown():
    with _breaking_server() as url, pytest.raises(DeliveryUnknown):
        Smtp(url, SENDER).send(MESSAGE, NOW)


@contextlib.contextmanager
def _breaking_server():
    """Takes the whole message and hangs up without a word."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        with connection, connection.makefile("rwb") as lines:
            lines.write(b"220 here\r\n")
            lines.flush()
            in_text = False
            for line in lines:
                if in_text:
                    if line == b".\r\n":
                        return
                    continue
                in_text = line.upper().startswith(b"DATA")
                lines.write(b"354 go on\r\n" if in_text else b"250 OK\r\n")
                lines.flush()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"smtp://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        thread.join()
        listener.close()


class Hurried(Deadline):
    """A deadline that has come once `come` says so, and not before."""

    made: ClassVar[list] = []

    def __init__(self, seconds):
        super().__init__(3600)
        self.made.append(self)

    @classmethod
    def come(cls):
        cls.made[-1]._end = time.monotonic()
        threading.Thread(target=cls.made[-1]._wait).start()


def talks(until, reply):
    """A server that is friendly until it is told `until` (b"": from the start), and then drips `reply` for ever.

    Without a reply it hangs up.
    """

    def talk(connection):
        with connection.makefile("rwb") as lines:

            def answer(text):
                lines.write(text)
                lines.flush()

            if until:
                answer(b"220 here\r\n")
            in_text = False
            while until:
                line = lines.readline()
                if not line:
                    return
                said = line.strip().upper()
                if said == b"." if in_text else said.startswith(until):
                    break
                if not in_text:
                    in_text = said == b"DATA"
                    answer(b"354 go on\r\n" if in_text else b"250 OK\r\n")
            if reply is None:
                return
            answer(reply)
            Hurried.come()
            says(b"", reply)(connection)

    return talk


#: What a server drips, and what became of the message.
DRIPS = [
    (b"", b"220 here", DeliveryFailed),
    (b"", b"220-here\r\n", DeliveryFailed),
    (b"EHLO", b"250-SIZE\r\n", DeliveryFailed),
    (b"MAIL", b"250 OK", DeliveryFailed),
    (b"RCPT", b"550 No such user", DeliveryFailed),
    (b"RCPT", b"2", DeliveryFailed),
    (b"DATA", b"35", DeliveryFailed),
    (b".", b"250 OK", DeliveryUnknown),
    (b".", b"250-OK\r\n", DeliveryUnknown),
]


@pytest.mark.parametrize(("until", "reply", "outcome"), DRIPS)
def test_a_server_that_says_a_letter_at_a_time_is_given_up(until, reply, outcome, monkeypatch):
    """It goes on until we hang up, so without a deadline this does not end."""
    monkeypatch.setattr(mail, "Deadline", Hurried)
    with dripping.serving(talks(until, reply)) as port, pytest.raises(outcome) as caught:
        Smtp(f"smtp://127.0.0.1:{port}", SENDER).send(MESSAGE, NOW)
    assert outcome is DeliveryUnknown or caught.value.again is True


@pytest.mark.parametrize("until", [b"MAIL", b"RCPT", b"DATA"])
def test_a_server_that_hangs_up_before_it_takes_the_text_is_tried_again(until):
    with dripping.serving(talks(until, None)) as port, pytest.raises(DeliveryFailed) as caught:
        Smtp(f"smtp://127.0.0.1:{port}", SENDER).send(MESSAGE, NOW)
    assert caught.value.again is True


def test_a_line_that_begins_with_a_dot_arrives_as_it_was():
    text = ".\n..\n.begins\nends.\n.\n"
    with serving() as server:
        Smtp(server.url, SENDER).send(Message(to="ann@example.com", subject="s", text=text), NOW)
    (envelope,) = server.envelopes
    assert (
        message_from_bytes(envelope.content, policy=policy.default).get_content().splitlines()
        == text.splitlines()
    )


def test_a_server_that_drips_tls_is_given_up(monkeypatch):
    monkeypatch.setattr(mail, "WHOLE_SECONDS", 0.4)
    hello = says(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc", b"\0")
    with dripping.serving(hello) as port, pytest.raises(DeliveryFailed) as caught:
        Smtp(f"smtps://127.0.0.1:{port}", SENDER).send(MESSAGE, NOW)
    assert caught.value.again is True


def test_the_outbox_keeps_messages_to_be_read_and_forgotten(tmp_path):
    outbox = Outbox(tmp_path / "outbox", SENDER)
    outbox.send(MESSAGE, NOW)
    outbox.send(Message(to="Bob@example.com", subject="ü", text="t"), NOW)
    files = sorted((tmp_path / "outbox").iterdir())
    assert [path.suffix for path in files] == [".eml", ".eml"]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert {str(read(path)["Subject"]) for path in files} == {"How was it?", "ü"}
    assert outbox.forget(lambda to, at: (to, at) == ("Bob@example.com", NOW)) == 1
    assert [str(read(path)["To"]) for path in (tmp_path / "outbox").iterdir()] == ["ann@example.com"]
