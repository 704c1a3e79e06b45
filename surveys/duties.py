"""What is done once an hour, or once a night, so that nothing grows for ever."""

from datetime import datetime

from surveys import daily_counts, responses
from surveys.base import jobs, worker
from surveys.base.db import disk_reserve
from surveys.base.http import idempotency, limits
from surveys.base.settings import Settings
from surveys.keeping import erasure, kept_backups, retention


def install(limiter: limits.Limiter, chosen: Settings) -> None:
    """Register the chores with the worker."""

    def forget_addresses(now: datetime) -> None:
        limits.tidy(limiter)

    def forget_calls(now: datetime) -> None:
        idempotency.tidy(now)

    def settle_erasures(now: datetime) -> None:
        erasure.settle()

    def keep_room(now: datetime) -> None:
        if chosen.on_sqlite:
            disk_reserve.lay(chosen.data_dir)

    def trim_receipts(now: datetime) -> None:
        retention.trim_receipts(now, chosen.keep_receipts_days)

    def forget_people(now: datetime) -> None:
        retention.forget_people(now, chosen.keep_people_days)

    def empty_outbox(now: datetime) -> None:
        retention.empty_outbox(now, chosen.data_dir / "outbox")

    back_up, make_up_for_a_backup = kept_backups.duties(chosen)
    # The backup comes last: it need not hold what the others take away.
    for nightly in (trim_receipts, forget_people, empty_outbox, erasure.rewrite, back_up):
        worker.nightly(nightly)
    for chore in (
        jobs.tidy,
        forget_calls,
        responses.forget_networks,
        daily_counts.compact,
        forget_addresses,
        settle_erasures,
        keep_room,
        make_up_for_a_backup,
    ):
        worker.hourly(chore)
