"""The life of a process that sends mail, and the steps at which it can be made to die."""

import os
import signal
import smtplib
from typing import Any

from feedback import digests
from surveys import invitations
from surveys.base import clock, db, worker
from surveys.base.delivery import mail
from surveys.webhooks import calling
from wsgi import create_app

#: Each step of sending one mail: whose function, its name, and on which side of it the process dies.
STEPS: dict[str, tuple[Any, str, str]] = {
    "before it is marked": (invitations, "start_sending", "before"),
    "after it is marked": (invitations, "start_sending", "after"),
    "before the envelope": (smtplib.SMTP, "mail", "before"),
    "after the envelope": (smtplib.SMTP, "rcpt", "after"),
    "before the text, after DATA": (mail, "_as_text", "before"),
    "after the text is taken": (mail, "_content", "after"),
    "before it is marked as sent": (invitations, "sent", "before"),
    "after it is marked as sent": (invitations, "sent", "after"),
}

#: The same of a digest.
OF_DIGESTS: dict[str, tuple[Any, str, str]] = {
    "before a digest is begun": (digests, "_begin", "before"),
    "after a digest is begun": (digests, "_begin", "after"),
    **{f"a digest, {step}": STEPS[step] for step in STEPS if STEPS[step][0] is not invitations},
    "before a digest is noted": (digests, "_note", "before"),
    "after a digest is noted": (digests, "_note", "after"),
}


def live(settings: dict[str, str], step: str | None) -> None:
    """Do what the worker does with the rows until none is due; with a `step`, be killed there at the first mail."""
    create_app(settings)
    if step is not None:
        _die_at(*(STEPS | OF_DIGESTS)[step])
    worker.drain()
    worker.close()
    db.close_database()


def call(settings: dict[str, str], step: str | None) -> None:
    """Do what is done beside the worker for webhooks: deliver until nothing is due."""
    create_app(settings)
    calling.look({}, clock.now())
    worker.close()
    db.close_database()


def _die_at(owner: Any, name: str, when: str) -> None:
    """Have this process killed at its next call of a function: nothing is tidied up, as in a power cut."""
    real = getattr(owner, name)

    def deadly(*args: Any, **kwargs: Any) -> Any:
        if when == "after":
            real(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, deadly)
