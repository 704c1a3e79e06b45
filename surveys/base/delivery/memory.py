"""Mail that stays here: a list of what would have been sent, for tests and previews."""

from datetime import datetime

from surveys.base.delivery.message import Message


class Memory:
    """Keeps messages in `sent`. `failing`: the exception that the next sends raise instead."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.failing: Exception | None = None

    def send(self, message: Message, now: datetime) -> None:
        """Keep one message."""
        if self.failing is not None:
            raise self.failing
        self.sent.append(message)
