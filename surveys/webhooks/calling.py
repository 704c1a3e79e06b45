"""How events reach webhooks: to each one at a time, to many at once, so that who is slow or dead delays nobody else.

One process beside the worker delivers what is due. Its threads only call; rows are read and written by itself. A
webhook that failed several times in a row is left alone for a while, and those in trouble have half of the threads at
most. Of events about the same thing the later one waits until the earlier one has arrived, or is dead.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from peewee import SQL, fn

from surveys.base import clock, db, delivery, jobs, worker
from surveys.base.accounts import makers
from surveys.base.accounts.makers import Sight
from surveys.base.delivery.mailed import UNSURE
from surveys.base.delivery.webhook import Event, Outcome
from surveys.base.jobs import Job
from surveys.models import Webhook, WebhookDelivery, WebhookEvent
from surveys.webhooks import telling

log = structlog.get_logger()

#: Calls under way at once.
MOST_AT_ONCE = 16

#: A webhook that takes longer to answer is in trouble too.
SLOW_SECONDS = 2.0

#: How long a webhook is left alone after its first, second … failure in a row.
RESTS = tuple(timedelta(seconds=seconds) for seconds in (0, 5, 60, 300, 1800))

#: What was never tried is given up when it is older, and its webhook fails: as long as all tries of one take.
PATIENCE = timedelta(seconds=1.1 * sum(jobs.RETRY_AFTER))

#: Between two looks whether what is paused goes on.
HELD = timedelta(minutes=10)

#: One process delivers to a webhook for so long, and then longer; a call takes a third of it, a mail may take
#: six times as long.
LEASE, LEASE_OF_MAIL = timedelta(seconds=30), timedelta(seconds=180)

#: Between two looks for what became due while calls are under way.
LOOK_SECONDS = 0.25

#: After the last call the process stays for so long and looks on: where events keep coming, none waits for another
#: process, nor for the end of this one.
STAY = timedelta(seconds=3)

#: Before another look when the process beside is at work already.
BUSY = timedelta(seconds=1)

NAME = "webhooks"


def look(payload: dict[str, Any], now: datetime) -> None:
    """Have what is due delivered beside the worker. As long as something waits, a later look is written down."""
    following = _next_due()
    if following is None:
        return
    db.write(lambda: _look_at(max(following, now + LEASE), now))
    if following <= now and not worker.beside(deliver, NAME, outward=True):
        db.write(lambda: _look_at(now + BUSY, now))


def deliver(now: Callable[[], datetime] = clock.now) -> None:
    """Deliver what is due until nothing is, in a process beside the worker until nothing was for STAY, or the worker
    ends; what is under way is finished.
    """
    lane, stay = _Lane(now), STAY if worker.is_beside() else timedelta(0)
    busy_at = now()
    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        while True:
            for each in [] if worker.ending() else lane.take():
                lane.calls[pool.submit(_call, each, now)] = each
            if lane.calls:
                done, _ = wait(lane.calls, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
                lane.note([(lane.calls.pop(call), *call.result()) for call in done])
                busy_at = now()
            elif worker.ending() or now() - busy_at >= stay:
                break
            else:
                time.sleep(LOOK_SECONDS)
    lane.end()


# ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Try:
    """One call that is to be made."""

    webhook_id: str
    kind: str
    url: str
    secret: str
    event_key: int
    attempts: int
    event: Event


class _Lane:
    """What this process delivers: the calls under way, and the leases it holds."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.calls: dict[Future[Any], _Try] = {}
        self._leases: dict[str, datetime] = {}
        self._slow: set[str] = set()

    def take(self) -> list[_Try]:
        """What can be begun now: the next of each webhook that is neither busy nor resting."""
        found: list[_Try] = []
        busy = {each.webhook_id for each in self.calls.values()}
        in_trouble = len(busy & self._slow)
        for row in self._ready(busy):
            if len(busy) >= MOST_AT_ONCE:
                break
            trouble = row.failures > 0 or row.id in self._slow
            if trouble and in_trouble >= MOST_AT_ONCE // 2:
                continue
            begun = self._begin(row)
            if begun is not None:
                found.append(begun)
                busy.add(row.id)
                in_trouble += trouble
                if trouble:
                    self._slow.add(row.id)
        return found

    def note(self, ended: Sequence[tuple[_Try, Outcome, float]]) -> None:
        """Write down what became of calls, each with the seconds it took."""
        if not ended:
            return
        now = self.now()
        for each, outcome, seconds in ended:
            in_trouble = seconds > SLOW_SECONDS or outcome.error is not None
            (self._slow.add if in_trouble else self._slow.discard)(each.webhook_id)

        def verb() -> None:
            for each, outcome, _ in ended:
                _note(each, outcome, now)

        db.write(verb)

    def end(self) -> None:
        """Let others deliver, and have somebody look when the next is due."""
        now = self.now()

        def verb() -> None:
            for webhook_id, until in self._leases.items():
                mine = (Webhook.id == webhook_id) & (Webhook.lease_until == until)
                Webhook.update(lease_until=None).where(mine).execute()
            following = _next_due()
            if following is not None:
                _look_at(max(following, now + BUSY), now)
                # The worker has it in mind from its next look on.
                db.database.after_commit(jobs.ring)

        db.write(verb)

    def _ready(self, busy: set[str]) -> list[Webhook]:
        """The webhooks that something is due for, those in trouble last."""
        now = self.now()
        rested = Webhook.rests_until.is_null() | (Webhook.rests_until <= now)
        due = WebhookDelivery.select(SQL("1")).where(
            WebhookDelivery.webhook == Webhook.id, _PENDING, WebhookDelivery.due_at <= now
        )
        query = Webhook.select().where(Webhook.enabled, rested, fn.EXISTS(due))
        rows = [row for row in query.order_by(Webhook.id) if row.id not in busy and self._may_take(row, now)]
        return sorted(rows, key=lambda row: (row.failures > 0 or row.id in self._slow, row.failures))

    def _may_take(self, row: Webhook, now: datetime) -> bool:
        return row.lease_until is None or row.lease_until < now or row.lease_until == self._leases.get(row.id)

    def _begin(self, row: Webhook) -> _Try | None:
        """The next call to a webhook; None when there is none, or another process was first."""
        now = self.now()
        if not self._hold(row, now):
            return None
        while (found := _first(row.id, now)) is not None:
            if (earlier := _earlier(found)) is not None:
                # It comes right after that one.
                db.write(WebhookDelivery.update(due_at=earlier).where(_is(row.id, found.event_key)).execute)
                continue
            to = telling.mailbox(row, now)
            seen = makers.sight(row, to.member if to is not None else None)
            if to is None or seen.paused:
                if makers.sight(row).paused and found.queued_at > now - PATIENCE:
                    _put_off(row.id, now)
                else:
                    _give_away(found, now)
                continue
            body = self._body(found, row, seen, to.stop, now)
            if body is not None:
                event = Event(found.event.id, body)
                if row.kind == telling.MAIL and not _mark(found, now):
                    continue
                return _Try(row.id, row.kind, row.url, to.address, found.event_key, found.attempts, event)
        return None

    def _hold(self, row: Webhook, now: datetime) -> bool:
        mine = self._leases.get(row.id)
        lease = LEASE_OF_MAIL if row.kind == telling.MAIL else LEASE
        if mine is not None and row.lease_until == mine and mine > now + lease / 2:
            return True
        free = Webhook.lease_until.is_null() | (Webhook.lease_until < now)
        if mine is not None:
            free |= Webhook.lease_until == mine
        until = now + lease
        taken = db.write(Webhook.update(lease_until=until).where((Webhook.id == row.id) & free).execute)
        if taken:
            self._leases[row.id] = until
        return bool(taken)

    def _body(
        self, found: WebhookDelivery, row: Webhook, seen: Sight, stop: str | None, now: datetime
    ) -> bytes | None:
        """What is to be sent. None when there is nothing (any more): then that is written down."""
        event = found.event
        try:
            known = telling.view(event.type)
            data = known.data(event.subject, seen.surveys) if known else None
            told = {"type": event.type, "timestamp": clock.stamp(event.created_at), "data": data}
            if stop is not None:
                told["stop"] = stop
            body: bytes | None = delivery.carrier(row.kind).body(told) if data is not None else None
        except Exception as error:
            if db.away(error):
                raise
            log.error("event cannot be shown", type=event.type, exc_info=error)
            failed = Outcome(error=type(error).__name__)
            tried = _Try(row.id, row.kind, row.url, "", found.event_key, found.attempts, Event(event.id, b""))
            db.write(lambda: _note(tried, failed, now, of_ours=True))
            return None
        if body is None:
            _give_away(found, now)
        return body


def _call(each: _Try, now: Callable[[], datetime]) -> tuple[Outcome, float]:
    began = now()
    try:
        outcome = delivery.carrier(each.kind).send(each.url, each.secret, each.event, began)
    except Exception as error:
        # Whatever it is, it is about this webhook: the others go on.
        log.error("webhook cannot be called", webhook=each.webhook_id, exc_info=error)
        outcome = Outcome(error=type(error).__name__)
    return outcome, (now() - began).total_seconds()


def _note(each: _Try, outcome: Outcome, now: datetime, of_ours: bool = False) -> None:
    """Write down what became of one try. `of_ours`: the fault is not the webhook's."""
    attempts = each.attempts + 1
    values: dict[str, Any] = {"attempts": attempts, "status": outcome.status, "error": outcome.error}
    if outcome.error is None:
        values |= {"state": telling.DELIVERED, "ended_at": now}
    elif attempts > len(jobs.RETRY_AFTER) or outcome.unwanted or outcome.final:
        values |= {"state": telling.DEAD, "ended_at": now}
    else:
        values |= {"due_at": now + jobs.pause(attempts), "state": telling.PENDING, "ended_at": None}
    WebhookDelivery.update(values).where(_is(each.webhook_id, each.event_key, each.kind)).execute()
    if not of_ours:
        _judge(each.webhook_id, outcome, now)


def _judge(webhook_id: str, outcome: Outcome, now: datetime) -> None:
    """What a try says of the webhook: whether it is left alone for a while, or for good."""
    row = Webhook.get_or_none(Webhook.id == webhook_id)
    if row is None:
        return
    if outcome.error is None:
        if row.failures:
            Webhook.update(failures=0, rests_until=None).where(Webhook.id == webhook_id).execute()
        return
    log.warning("webhook failed", webhook=webhook_id, failures=row.failures + 1, error=outcome.error)
    rest = max(RESTS[min(row.failures, len(RESTS) - 1)], timedelta(seconds=outcome.wait))
    values: dict[str, Any] = {"failures": row.failures + 1, "rests_until": now + rest}
    if outcome.unwanted:
        values["enabled"] = False
    Webhook.update(values).where(Webhook.id == webhook_id).execute()
    late = (WebhookDelivery.webhook == webhook_id) & (WebhookDelivery.queued_at < now - PATIENCE)
    update = WebhookDelivery.update(state=telling.DEAD, error=outcome.error, ended_at=now)
    update.where(late & _PENDING).execute()


def _first(webhook_id: str, now: datetime) -> WebhookDelivery | None:
    """The next due delivery of a webhook."""
    due = (WebhookDelivery.webhook == webhook_id) & _PENDING & (WebhookDelivery.due_at <= now)
    query = WebhookDelivery.select(WebhookDelivery, WebhookEvent).join(WebhookEvent).where(due)
    return query.order_by(WebhookDelivery.due_at, WebhookDelivery.event).first()


def _earlier(found: WebhookDelivery) -> datetime | None:
    """When an earlier event about the same thing is due at this webhook; None when none waits, or this is a test."""
    if found.event.test:
        return None
    same = (WebhookEvent.subject == found.event.subject) & (WebhookEvent.key < found.event_key)
    waiting = (WebhookDelivery.webhook == found.webhook_id) & _PENDING
    query = WebhookDelivery.select(WebhookDelivery.due_at).join(WebhookEvent).where(same & waiting)
    row = query.order_by(WebhookEvent.key.desc()).first()
    return row.due_at if row else None


def _next_due() -> datetime | None:
    """When the next delivery can be tried; None when none waits."""
    first: Any = WebhookDelivery.select(fn.MIN(WebhookDelivery.due_at)).where(
        WebhookDelivery.webhook == Webhook.id, _PENDING
    )
    rows: Any = Webhook.select(Webhook.rests_until, first.alias("due")).where(Webhook.enabled).tuples()
    moments = [(rests, _moment(due)) for rests, due in rows if due is not None]
    return min((max(due, rests or due) for rests, due in moments), default=None)


def _moment(due: Any) -> datetime:
    """What a part of a statement gave, which knows no kind of column."""
    found = WebhookDelivery.due_at.python_value(due)
    assert found is not None
    return found


def _look_at(at: datetime, now: datetime) -> None:
    """Have a look written down for `at`, unless one is due between now and then."""
    sooner = (Job.kind == telling.DUE) & (Job.state == jobs.NEW) & (Job.due_at > now) & (Job.due_at <= at)
    if not Job.select().where(sooner).exists():
        jobs.enqueue(telling.DUE, {}, now, due_at=at)


def _give_away(found: WebhookDelivery, now: datetime) -> None:
    """There is nothing to send of it, or nobody there who wants it."""
    gone = WebhookDelivery.update(state=telling.GONE, ended_at=now, error=None)
    db.write(gone.where(_is(found.webhook_id, found.event_key)).execute)


def _put_off(webhook_id: str, now: datetime) -> None:
    """Whoever made it may not see it now, but may again, or somebody else may answer for it: what is due waits."""
    due = (WebhookDelivery.webhook == webhook_id) & _PENDING & (WebhookDelivery.due_at <= now)
    db.write(WebhookDelivery.update(due_at=now + HELD).where(due).execute)


def _mark(found: WebhookDelivery, now: datetime) -> bool:
    """Mark a mail before it leaves; whoever changes the row sends it."""
    marked = WebhookDelivery.update(state=telling.DEAD, error=UNSURE, ended_at=now)
    return bool(db.write(marked.where(_is(found.webhook_id, found.event_key)).execute))


def _is(webhook_id: str, event_key: int, kind: str = "") -> Any:
    """The condition of a delivery that waits; of a mail also of one that is on its way."""
    waits: Any = _PENDING
    if kind == telling.MAIL:
        waits |= (WebhookDelivery.state == telling.DEAD) & (WebhookDelivery.error == UNSURE)
    return (WebhookDelivery.webhook == webhook_id) & (WebhookDelivery.event == event_key) & waits


# As it stands in the partial index: a parameter would not be known to be this word.
_PENDING = WebhookDelivery.state == SQL("'pending'")
