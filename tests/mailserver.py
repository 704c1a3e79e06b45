"""A real SMTP server that answers as a test tells it."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.controller import Controller

from tests import servers


@dataclass
class MailServer:
    """What it says to MAIL, RCPT and DATA, and the envelopes it took."""

    mail: str = "250 OK"
    rcpt: str = "250 OK"
    data: str = "250 OK"
    envelopes: list[Any] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        """As SMTP_URL says it."""
        return f"smtp://127.0.0.1:{self.port}"

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


@contextlib.contextmanager
def serving(server: MailServer | None = None, **options: Any) -> Iterator[MailServer]:
    """`server` (default: one that takes everything) on a free port; `options` are those of aiosmtpd's controller."""
    server = server or MailServer()
    controller = Controller(server, hostname="127.0.0.1", port=servers.free_port(), **options)
    controller.start()
    server.port = controller.port
    try:
        yield server
    finally:
        controller.stop()
