"""How the service itself is: what waits, what died, room on the disk, the newest backup."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from surveys.base import db, jobs
from surveys.base.db import migrations
from surveys.base.settings import Settings
from surveys.keeping import kept_backups
from surveys.keeping.kept_backups import State
from surveys.models import Invitation, Webhook, WebhookDelivery
from surveys.webhooks import telling

#: A job that is due for longer waits for a worker that does not work, or has too much to do.
LATE = timedelta(minutes=5)

#: Mail of late that could not be sent.
LATELY = timedelta(days=7)


_unsent: dict[str, Callable[[datetime], int]] = {}


def count_unsent(counts: Mapping[str, Callable[[datetime], int]]) -> None:
    """Have these counted too, by name: what was not sent since a moment, or may not have arrived."""
    _unsent.update(counts)


@dataclass(frozen=True)
class Condition:
    """`waiting`: what is not done, as kind, state and how many; `late`: how long the oldest due job has waited.

    `unsent`: mails and messages that failed LATELY, or of which nobody knows whether they arrived.

    `dead`: kinds of jobs that were given up or held, with how many; they run again once they are released. Sizes are in
    bytes. `pending`: migrations that are not applied. `backup` is None where none is asked for.
    """

    waiting: list[tuple[str, str, int]]
    late: timedelta | None
    dead: list[tuple[str, int]]
    unsent: int
    database: int
    free: int
    backup: State | None
    pending: list[str]


def of(settings: Settings, now: datetime) -> Condition:
    """How the service is at this moment."""
    found = jobs.overview()
    waited = jobs.waited(now)
    dead: dict[str, int] = {}
    for kind, state, n in found:
        if state in (jobs.DEAD, jobs.HELD):
            dead[kind] = dead.get(kind, 0) + n
    since = now - LATELY
    unsent = Invitation.select().where(
        Invitation.status.in_(("failed", "unknown")), Invitation.created_at >= since
    )
    # What rules say; of other webhooks their own page tells.
    owned = Webhook.select(Webhook.id).where(Webhook.owner.is_null(False))
    undelivered = WebhookDelivery.select().where(
        WebhookDelivery.state == telling.DEAD,
        WebhookDelivery.queued_at >= since,
        WebhookDelivery.webhook.in_(owned),
    )
    return Condition(
        [row for row in found if row[1] not in (jobs.DEAD, jobs.HELD)],
        waited if waited is not None and waited > LATE else None,
        sorted(dead.items()),
        unsent.count() + undelivered.count() + sum(count(since) for count in _unsent.values()),
        _size(settings),
        shutil.disk_usage(settings.data_dir).free,
        kept_backups.state(settings),
        migrations.pending(),
    )


# ------------------------------------------------------------------------------------------------------


def _size(settings: Settings) -> int:
    if settings.on_sqlite:
        path = Path(settings.database_url.removeprefix("sqlite:///"))
        return sum(each.stat().st_size for each in path.parent.glob(path.name + "*"))
    found: Any = db.database.execute_sql("SELECT pg_database_size(current_database())").fetchone()
    return int(found[0])
