"""Mail over a real SMTP server and into the outbox."""

import contextlib
import socket
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from surveys.base.delivery.mail import Outbox, Smtp, read
from surveys.base.delivery.message import DeliveryFailed, DeliveryUnknown, Message
from tests import servers

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SENDER = "Acme <care@acme.example>"
MESSAGE = Message(to="ann@example.com", subject="How was it?", text="Tell us")


@dataclass
class Server:
    """What the SMTP server got, and how it answers."""

    mail: str = "250 OK"
    rcpt: str = "250 OK"
    data: str = "250 OK"
    envelopes: list = field(default_factory=list)

    async def handle_MAIL(self, server, session, envelope, address, options):
        if self.mail.startswith("250"):
            envelope.mail_from = address
        return self.mail

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server, session, envelope):
        self.envelopes.append(envelope)
        return self.data


@pytest.fixture
def server():
    handler = Server()
    controller = Controller(handler, hostname="127.0.0.1", port=servers.free_port())
    controller.start()
    handler.url = f"smtp://127.0.0.1:{controller.port}"
    yield handler
    controller.stop()


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
    controller = Controller(
        Server(), hostname="127.0.0.1", port=servers.free_port(), auth_require_tls=False,
        authenticator=lambda *_: AuthResult(success=False, handled=False),
    )  # fmt: skip
    controller.start()
    try:
        with pytest.raises(DeliveryFailed, match="535") as caught:
            Smtp(f"smtp://user:old@127.0.0.1:{controller.port}", SENDER).send(MESSAGE, NOW)
    finally:
        controller.stop()
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

    handler = Server()
    controller = Controller(
        handler, hostname="127.0.0.1", port=servers.free_port(), authenticator=check,
        auth_require_tls=False,
    )  # fmt: skip
    controller.start()
    try:
        Smtp(f"smtp://us%40er:p%3Ass@127.0.0.1:{controller.port}", SENDER).send(MESSAGE, NOW)
    finally:
        controller.stop()
    assert seen == [(b"us@er", b"p:ss")]
    assert len(handler.envelopes) == 1


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


def test_the_outbox_keeps_messages_to_be_read_and_forgotten(tmp_path):
    outbox = Outbox(tmp_path / "outbox", SENDER)
    outbox.send(MESSAGE, NOW)
    outbox.send(Message(to="Bob@example.com", subject="ü", text="t"), NOW)
    files = sorted((tmp_path / "outbox").iterdir())
    assert [path.suffix for path in files] == [".eml", ".eml"]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert {str(read(path)["Subject"]) for path in files} == {"How was it?", "ü"}
    assert outbox.forget(["bob@example.com"]) == 1
    assert [str(read(path)["To"]) for path in (tmp_path / "outbox").iterdir()] == ["ann@example.com"]
