"""What is done once an hour, or once a night, so that nothing grows for ever."""

from datetime import datetime

from surveys import privacy, responses, retention, rollups
from surveys.base import ballast, bell, idempotency, jobs, limits
from surveys.base.settings import Settings


def install(limiter: limits.Limiter, chosen: Settings) -> None:
    """Register the chores with the worker."""

    def forget_addresses(now: datetime) -> None:
        limits.tidy(limiter)

    def forget_calls(now: datetime) -> None:
        idempotency.tidy(now)

    def settle_erasures(now: datetime) -> None:
        privacy.settle()

    def keep_room(now: datetime) -> None:
        if chosen.on_sqlite:
            ballast.lay(chosen.data_dir)

    def trim_receipts(now: datetime) -> None:
        retention.trim_receipts(now, chosen.keep_receipts_days)

    def forget_people(now: datetime) -> None:
        retention.forget_people(now, chosen.keep_people_days)

    def empty_outbox(now: datetime) -> None:
        retention.empty_outbox(now, chosen.data_dir / "outbox")

    for nightly in (trim_receipts, forget_people, empty_outbox, privacy.rewrite):
        bell.nightly(nightly)
    for chore in (
        jobs.tidy,
        forget_calls,
        responses.forget_networks,
        rollups.compact,
        forget_addresses,
        settle_erasures,
        keep_room,
    ):
        bell.hourly(chore)
