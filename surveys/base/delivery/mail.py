"""Mail over SMTP (RFC 5321), or into files where no server is set."""

import os
import re
import smtplib
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from surveys.base import ids
from surveys.base.delivery.deadline import Deadline
from surveys.base.delivery.message import DeliveryFailed, DeliveryUnknown, Mailer, Message, mime, on_the_wire
from surveys.base.settings import Settings

#: For each reply of a server, and for all that is said about one message.
TIMEOUT_SECONDS, WHOLE_SECONDS = 10, 60

#: Who sends where no MAIL_FROM is set; the mail goes to a file then, and nowhere else.
NOBODY = "Earshot <earshot@localhost>"

#: How the name of a file in the outbox says when it was written, in UTC.
MOMENT = "%Y%m%dT%H%M%S%f"


def of(settings: Settings) -> Mailer:
    """The way mail leaves: the SMTP server of the settings, without one the outbox."""
    if settings.smtp_url:
        return Smtp(settings.smtp_url, settings.mail_from or NOBODY)
    return Outbox(settings.data_dir / "outbox", settings.mail_from or NOBODY)


class Smtp:
    """One server: `smtp://user:pass@host:port`, `smtps://` for TLS at once, `?starttls=1` for TLS required.

    One connection a message: a worker sends few, and a broken one then costs nobody else.
    """

    def __init__(self, url: str, sender: str) -> None:
        self.url, self.sender = urlsplit(url), sender

    def send(self, message: Message, now: datetime) -> None:
        """Send one message; returns when the server has taken it. Raises DeliveryFailed and DeliveryUnknown.

        Up to the end of the envelope nothing can have been sent, so trying again is safe; once the text is on
        its way, silence may mean either. So may a reply that is not over when WHOLE_SECONDS are.
        """
        content = as_bytes(message, self.sender, now)
        to, judged, deadline = on_the_wire(message.to), False, Deadline(WHOLE_SECONDS)
        try:
            with deadline, _connection(self.url, deadline) as server:
                _sender(server, message.bounces_to or on_the_wire(parseaddr(self.sender)[1]))
                # What is refused up to here (a password, TLS, our own address) is the operator's to mend, and no
                # fault of this message.
                judged = True
                _recipient(server, to)
                _content(server, content, deadline)
        except smtplib.SMTPResponseException as error:
            # A reply that we cut off says nothing.
            again = not judged or 400 <= error.smtp_code < 500 or deadline.passed
            raise DeliveryFailed(f"{type(error).__name__} {error.smtp_code}", again) from error
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryFailed(type(error).__name__, again=True) from error


class Outbox:
    """A folder of `*.eml` files, for trying things out."""

    def __init__(self, directory: Path, sender: str) -> None:
        self.directory, self.sender = directory, sender

    def send(self, message: Message, now: datetime) -> None:
        """Write one message; its name begins with the moment, so that a listing is in order.

        Its first line says the envelope sender, as a server that delivers writes it (RFC 5321, 4.4).
        """
        content = as_bytes(message, self.sender, now)
        if message.bounces_to:
            content = f"Return-Path: <{message.bounces_to}>\r\n".encode() + content
        self.directory.mkdir(mode=0o700, exist_ok=True)
        name = f"{now.astimezone(UTC):{MOMENT}}-{ids.new('mail')[5:13]}.eml"
        temporary = self.directory / f"{name}.new"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            temporary.rename(self.directory / name)
        finally:
            # Of a mail that the disk had no room for, nothing is left that an erasure would not find.
            temporary.unlink(missing_ok=True)

    def forget(self, is_gone: Callable[[str, datetime], bool]) -> int:
        """Remove the mails of which `is_gone` says so, told the address and when the mail was written; how many."""
        gone = 0
        for path in sorted(self.directory.glob("*.eml")):
            if is_gone(parseaddr(read(path)["To"] or "")[1], _written_at(path)):
                path.unlink(missing_ok=True)
                gone += 1
        return gone


def as_bytes(message: Message, sender: str, now: datetime) -> bytes:
    """The message as it goes over the wire. Raises DeliveryFailed for an address that cannot be one."""
    return mime(message, sender, now).as_bytes()


def read(path: Path) -> EmailMessage:
    """One file of the outbox."""
    return message_from_bytes(path.read_bytes(), policy=policy.default)  # type: ignore[return-value]


def _written_at(path: Path) -> datetime:
    try:
        return datetime.strptime(path.name.partition("-")[0], MOMENT).replace(tzinfo=UTC)
    except ValueError:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)


class _Watched(smtplib.SMTP):
    """A server under a deadline, from its greeting on."""

    def __init__(self, deadline: Deadline, *args: Any, **options: Any) -> None:
        self.deadline = deadline
        super().__init__(*args, **options)

    def _get_socket(self, *args: Any) -> Any:
        return self.deadline.watch(super()._get_socket(*args))  # type: ignore[misc]


class _WatchedTLS(smtplib.SMTP_SSL, _Watched):
    """The same with TLS at once."""

    def __init__(self, deadline: Deadline, *args: Any, **options: Any) -> None:
        self.deadline = deadline
        smtplib.SMTP_SSL.__init__(self, *args, **options)


def _connection(url: SplitResult, deadline: Deadline) -> smtplib.SMTP:
    secure = ssl.create_default_context()
    host = url.hostname or "localhost"
    if url.scheme == "smtps":
        server: smtplib.SMTP = _WatchedTLS(
            deadline, host, url.port or 465, timeout=TIMEOUT_SECONDS, context=secure
        )
    else:
        server = _Watched(deadline, host, url.port or 25, timeout=TIMEOUT_SECONDS)
    try:
        if parse_qs(url.query).get("starttls", ["0"])[0] == "1":
            server.starttls(context=secure)
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
    except BaseException:
        server.close()
        raise
    return server


def _sender(server: smtplib.SMTP, address: str) -> None:
    server.ehlo_or_helo_if_needed()
    code, reply = server.mail(address)
    if code != 250:
        raise smtplib.SMTPResponseException(code, reply)


def _recipient(server: smtplib.SMTP, to: str) -> None:
    code, reply = server.rcpt(to)
    if code not in (250, 251):
        raise smtplib.SMTPResponseException(code, reply)


def _content(server: smtplib.SMTP, content: bytes, deadline: Deadline) -> None:
    # Whatever goes wrong before the server says to go on, nothing was handed over.
    code, reply = server.docmd("DATA")
    if code != 354:
        raise smtplib.SMTPDataError(code, reply)
    try:
        server.send(_as_text(content))
        code, reply = server.getreply()
    except (smtplib.SMTPException, OSError) as error:
        raise DeliveryUnknown(type(error).__name__) from error
    if deadline.passed:
        # The reply may have been cut off by ourselves.
        raise DeliveryUnknown("too slow")
    if code != 250:
        raise smtplib.SMTPDataError(code, reply)
    # The message is taken. What happens while saying good-bye changes nothing.
    try:
        server.quit()
    except (smtplib.SMTPException, OSError):
        server.close()


def _as_text(content: bytes) -> bytes:
    """What follows DATA: a line that begins with a dot gets another, for a dot alone ends it (RFC 5321, 4.5.2)."""
    return re.sub(rb"(?m)^\.", b"..", content.removesuffix(b"\r\n")) + b"\r\n.\r\n"
