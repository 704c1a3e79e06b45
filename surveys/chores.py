"""What is done once an hour so that nothing grows for ever."""

from datetime import datetime

from surveys import privacy, responses, rollups
from surveys.base import bell, idempotency, jobs, limits


def install(limiter: limits.Limiter) -> None:
    """Register the chores with the worker."""

    def forget_addresses(now: datetime) -> None:
        limits.tidy(limiter)

    def forget_calls(now: datetime) -> None:
        idempotency.tidy(now)

    def settle_erasures(now: datetime) -> None:
        privacy.settle()

    for chore in (
        jobs.tidy,
        forget_calls,
        responses.forget_networks,
        rollups.compact,
        forget_addresses,
        settle_erasures,
    ):
        bell.hourly(chore)
