"""What is done once an hour, or once a night, so that nothing grows for ever."""

from datetime import datetime, timedelta

from surveys import ask_counts, brands, daily_counts, invitations, pace, responses, triggers
from surveys.base import jobs, worker
from surveys.base.accounts import attempts, audit, one_time_links, sessions
from surveys.base.db import disk_reserve
from surveys.base.http import idempotency, limits
from surveys.base.settings import Settings
from surveys.keeping import erasure, kept_backups, retention
from surveys.webhooks import telling


def install(limiter: limits.Limiter, chosen: Settings) -> None:
    """Register the duties with the worker."""

    def forget_sign_ins(now: datetime) -> None:
        for each in (sessions, one_time_links, attempts):
            each.tidy(now)

    def trim_audit(now: datetime) -> None:
        if chosen.keep_receipts_days:
            audit.forget(now - timedelta(days=chosen.keep_receipts_days))

    back_up, make_up_for_a_backup = kept_backups.duties(chosen)
    worker.hourly(
        {
            "expire invitations": invitations.expire,
            "set the pace of asking": pace.set_pace,
            "give up look-ups": triggers.give_up,
            "tidy jobs": jobs.tidy,
            "forget repeated calls": idempotency.tidy,
            "forget events": telling.tidy,
            "forget networks": responses.forget_networks,
            "put daily counts together": daily_counts.compact,
            "count asks that are over": ask_counts.roll_up,
            "forget addresses of callers": lambda now: limits.tidy(limiter),
            "settle erasures": lambda now: erasure.settle(),
            "make up for a backup": make_up_for_a_backup,
            "forget sign-ins that are over": forget_sign_ins,
        }
    )
    worker.nightly(
        {
            "trim receipts": lambda now: retention.trim_receipts(now, chosen.keep_receipts_days),
            "trim the audit log": trim_audit,
            "forget logos": brands.tidy,
            "forget people": lambda now: retention.forget_people(now, chosen.keep_people_days),
            "empty the outbox": lambda now: retention.empty_outbox(now, chosen.data_dir / "outbox"),
            "write the file anew after erasures": erasure.rewrite,
            # Last: it need not hold what the others take away.
            "back up": back_up,
        }
    )
    if chosen.on_sqlite:
        worker.hourly({"keep room on the disk": lambda now: disk_reserve.lay(chosen.data_dir)})
