"""Who wants to hear of which events, and what is queued for them.

An event is a row that names what it is about; what is told is looked up when it is delivered. So nothing is sent that
was erased meanwhile, and whoever hears of the same thing twice hears the newest twice.
"""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from peewee import SQL, fn

from surveys import events
from surveys.base import db, delivery, ids, jobs, signing
from surveys.base.accounts import keys, makers
from surveys.base.accounts.caller import Caller
from surveys.base.accounts.makers import Sight
from surveys.base.delivery import webhook as transport
from surveys.base.errors import Clash, Unauthorized
from surveys.models import Webhook, WebhookDelivery, WebhookEvent, WebhookTotal

#: What can be asked for.
TYPES = (
    *("response.created", "response.updated", "response.deleted", "comment.read"),
    *("follow_up.opened", "follow_up.overdue", "follow_up.closed"),
    *("topic.surging", "topic.status_changed", "topic.came_back"),
    *("value.changed", "goal.changed"),
)

UPDATED = "response.updated"

#: The kind of those that are told in JSON, and signed; the others carry a message to people.
WEBHOOK = "webhook"

#: The kind of those whose mails go to a mailbox.
MAIL = "mail"

PENDING, DELIVERED, DEAD, GONE = "pending", "delivered", "dead", "gone"
STATES = (PENDING, DELIVERED, DEAD, GONE)

#: The job that has deliveries made.
DUE = "webhooks due"

#: Secrets of before that sign along, at most.
MOST_FORMER = 8

#: How long events are kept, and so can be sent again.
KEPT = timedelta(days=30)


class View(Protocol):
    """What is told of a subject, to a webhook that may hear of `surveys` (None: of all)."""

    def data(self, subject: str, surveys: Sequence[str] | None) -> Mapping[str, Any] | None:
        """As the API shows it now; None when it is not there, or not for these surveys."""

    def example(self, surveys: Sequence[str] | None) -> str | None:
        """The subject of the last real case; None when there was none."""


@dataclass(frozen=True)
class Told:
    """One event as it is to be told. `mark`: with type and subject, what tells it from others of its kind.

    The same mark gives the same id, and nothing is queued twice. Without one it is new whenever it is told. `owner`: it
    is for the webhooks of this owner alone; None: for all that nobody owns.
    """

    type: str
    subject: str
    survey: str | None = None
    response: int | None = None
    mark: str | None = None
    owner: str | None = None


@dataclass(frozen=True)
class Mailbox:
    """Where mail for an owner's row goes. `stop`: the link at which its reader stops it; None where nobody can.

    Of a webhook `address` is the secret that it is signed with, and behind spaces those of before, as long as they
    sign along. `member`: who reads mail there, where that is somebody of the team.
    """

    address: str
    stop: str | None
    member: str | None = None


_views: dict[str, View] = {}
_examples: dict[str, Callable[[str], str | None]] = {}
_find_mailbox: Callable[[Webhook, datetime], Mailbox | None] | None = None


def use_views(views: Mapping[str, View]) -> None:
    """Say what is told of each type of event."""
    _views.update(views)


def use_examples(examples: Mapping[str, Callable[[str], str | None]]) -> None:
    """Say what the last real case of a type is for an owner of webhooks: its subject, None when there was none."""
    _examples.update(examples)


def use_mailboxes(find: Callable[[Webhook, datetime], Mailbox | None]) -> None:
    """Say where the mails of a row of the kind mail go; None while nobody there wants them."""
    global _find_mailbox
    _find_mailbox = find


def mailbox(row: Webhook, now: datetime) -> Mailbox | None:
    """Where what is for a row goes, by whatever carries it; None while nobody there wants it."""
    if row.kind == MAIL and _find_mailbox is not None:
        return _find_mailbox(row, now)
    return Mailbox(f"{row.secret} {_former(row, now)}".rstrip(), None)


def view(type_: str) -> View | None:
    """What is told of a type; None for one that does not happen yet."""
    return _views.get(type_)


def create(values: Mapping[str, Any], caller: Caller, now: datetime) -> Webhook:
    """Take down who wants to hear of what (`url`, `events`, `surveys`). The row holds the secret, to be shown once.

    Raises Unauthorized when the caller's key was taken out of use meanwhile.
    """

    def verb() -> Webhook:
        if caller.member is None and not keys.hold(caller.id):
            raise Unauthorized
        return Webhook.create(
            id=ids.new("wh"),
            url=values["url"],
            events=list(dict.fromkeys(values["events"])),
            surveys=values.get("surveys"),
            enabled=values.get("enabled", True),
            secret=transport.new_secret(),
            made_by=caller.id,
            created_at=now,
        )

    return db.write(verb)


def own(
    owner: str,
    kind: str,
    address: str,
    types: Sequence[str],
    surveys: Sequence[str] | None,
    caller: Caller,
    now: datetime,
) -> Webhook:
    """Have the events of an owner carried to an address. The address of a webhook is no secret; any other is sealed.

    Call it in a transaction. What the row is signed with is to be shown once.
    """
    is_webhook = kind == WEBHOOK
    return Webhook.create(
        id=ids.new("wh"),
        url=address if is_webhook else "",
        events=list(types),
        surveys=surveys,
        secret=transport.new_secret() if is_webhook else address,
        made_by=caller.id,
        created_at=now,
        kind=kind,
        owner=owner,
    )


def change(row: Webhook, values: Mapping[str, Any], now: datetime) -> Webhook:
    """Change `url`, `events`, `surveys` or `enabled`. What waits is tried at once, by the new address."""

    def verb() -> Webhook:
        if values:
            Webhook.update(values).where(Webhook.id == row.id).execute()
        _try_all_at_once(row.id, now)
        return Webhook.get_by_id(row.id)

    return db.write(verb)


def change_secret(row: Webhook, keep: timedelta, now: datetime) -> Webhook:
    """Give a webhook another secret, which the row holds to be shown once. The one of before signs along for `keep`.

    So do those before that sign along by now: whoever never got the answer, and asks for another, knows no other. The
    last MOST_FORMER do. Raises Clash for what is no webhook: there the address is the secret.
    """
    if row.kind != WEBHOOK:
        raise Clash("It is signed with nothing: its address is the secret.")

    def verb() -> Webhook:
        db.serialise(f"webhook {row.id}")
        found = Webhook.get_by_id(row.id)
        signing_along = [found.secret, *_former(found, now).split()][:MOST_FORMER]
        values = {
            "secret": transport.new_secret(),
            "former_secret": " ".join(signing_along) if keep else None,
            "former_until": now + keep if keep else None,
        }
        Webhook.update(values).where(Webhook.id == row.id).execute()
        return Webhook.get_by_id(row.id)

    return db.write(verb)


def take_over(row: Webhook, caller: Caller, now: datetime) -> None:
    """Somebody else answers for a webhook that is paused; what waits is tried at once.

    Raises Missing and Clash (see `makers`).
    """

    def verb() -> None:
        if makers.take_over(row, caller):
            _try_all_at_once(row.id, now)

    db.write(verb)


def delete(row: Webhook) -> None:
    """Tell it nothing any more. Its deliveries go with it."""
    db.write(Webhook.delete().where(Webhook.id == row.id).execute)


class OfMakers:
    """What becomes of webhooks when the key or the member goes who made them (see `keys.use_things`)."""

    def made_with(self, maker_ids: Sequence[str]) -> Mapping[str, list[Webhook]]:
        """The webhooks that each key or member made, oldest first."""
        found: dict[str, list[Webhook]] = {}
        made = Webhook.select().where(Webhook.made_by.in_(maker_ids), Webhook.owner.is_null())
        for row in made.order_by(Webhook.created_at, Webhook.id):
            found.setdefault(row.made_by, []).append(row)
        return found

    def revoke(self, maker_id: str) -> None:
        """The webhooks go with their maker."""
        Webhook.delete().where(Webhook.made_by == maker_id, Webhook.owner.is_null()).execute()

    def hand_over(self, maker_id: str) -> None:
        """The webhooks stay, and nobody but the service made them."""
        hand_over(self.made_with([maker_id]).get(maker_id, []))

    def narrow(self, maker_id: str) -> None:
        """The webhooks are paused, and kept to what their maker saw."""
        narrow(self.made_with([maker_id]).get(maker_id, []))


def hand_over(rows: Sequence[Webhook]) -> None:
    """These are the service's from now on, with no more than their makers may see."""
    for row in rows:
        values = {"made_by": makers.SERVICE, "surveys": makers.handed_over(row)}
        Webhook.update(values).where(Webhook.id == row.id).execute()


def narrow(rows: Sequence[Webhook]) -> None:
    """These have no more told from now on than their makers may see."""
    for row in rows:
        Webhook.update(surveys=makers.narrowed(row)).where(Webhook.id == row.id).execute()


def check_url(url: str) -> None:
    """Raise DeliveryFailed, with `again` false when the address may not be called at all."""
    delivery.outbound().check(url)


def wanted(type_: str) -> bool:
    """Whether somebody wants to hear of a type of event."""
    return any(type_ in row.events for row in _listening())


def tell(told: Told, now: datetime) -> None:
    """Queue an event for each webhook that wants it. Call it in the transaction of its cause, or in a job."""
    asked = [row for row in _listening() if told.type in row.events]
    takers = [
        row.id
        for row, seen in zip(asked, makers.sights(asked), strict=True)
        if _wants(row, seen, told.type, told.survey, told.owner)
    ]
    if not takers:
        return
    db.write(lambda: _queue(told, takers, now))


def note_changes(keys: Iterable[int], now: datetime) -> None:
    """These responses have a new version: have it told to whoever wants that. Call it in a transaction."""
    if wanted(UPDATED):
        jobs.enqueue_all(events.CHANGED, [({"key": key}, now) for key in keys])


def replay(row: Webhook, since: datetime, until: datetime, now: datetime) -> int:
    """Queue once more, under their ids, all kept events from `since` until before `until`; how many."""
    seen = makers.sight(row)

    def verb() -> int:
        columns = (WebhookEvent.key, WebhookEvent.type, WebhookEvent.survey_id, WebhookEvent.owner)
        found = WebhookEvent.select(*columns).where(
            WebhookEvent.created_at >= since, WebhookEvent.created_at < until, ~WebhookEvent.test
        )
        rows: Any = found.order_by(WebhookEvent.key).tuples()
        wanted = [key for key, *of_event in rows if _wants(row, seen, *of_event)]
        _insert.many([_delivery(row.id, key, now) for key in wanted])
        _try_at_once(row.id, now)
        return len(wanted)

    return db.write(verb)


def test(row: Webhook, now: datetime) -> WebhookDelivery:
    """Queue the last real case of the first of its events that has one.

    Raises Clash when there is none yet, where nobody wants it, and where whoever made it may not see it any more.
    """
    seen = makers.sight(row)
    if seen.paused:
        raise Clash("It is paused: whoever made it may not see any more what it tells.")
    if mailbox(row, now) is None:
        raise Clash("Who reads mail there has not said that they want it, or wants no more of it.")
    for type_ in row.events:
        subject = _example(type_, row, seen)
        if subject is not None:
            return db.write(functools.partial(_queue_test, row, type_, subject, now))
    raise Clash("Nothing of what it wants to hear of has happened yet: there is no real example to send.")


def give_up() -> int:
    """Give up what waits, for after a restore: it may have been sent since the backup. How many.

    They are seen as dead and can be sent again by `replay`. Call it in the transaction of the restore.
    """
    update = WebhookDelivery.update(state=DEAD, error="Restored")
    return update.where(WebhookDelivery.state == PENDING).execute()


def totals() -> dict[str, int]:
    """How many deliveries of each type were ever asked for."""
    return {row.type: row.n for row in WebhookTotal.select()}


def given_up(since: datetime) -> dict[str, int]:
    """How many deliveries that were asked for since then were given up, by the ids of their webhooks."""
    rows: Any = (
        WebhookDelivery.select(WebhookDelivery.webhook, fn.COUNT(WebhookDelivery.event))
        .where(WebhookDelivery.state == DEAD, WebhookDelivery.queued_at >= since)
        .group_by(WebhookDelivery.webhook)
    )
    return dict(rows.tuples())


def tidy(now: datetime) -> int:
    """Forget events older than KEPT, and their deliveries; how many."""
    return db.write(WebhookEvent.delete().where(WebhookEvent.created_at < now - KEPT).execute)


# ------------------------------------------------------------------------------------------------------


def _example(type_: str, row: Webhook, seen: Sight) -> str | None:
    """The subject of the last real case that a webhook would have heard of."""
    if row.owner is not None:
        return _examples[type_](row.owner) if type_ in _examples else None
    known = _views.get(type_)
    return known.example(seen.surveys) if known else None


def _former(row: Webhook, now: datetime) -> str:
    """The secrets of before that sign along at a moment, the last one first, with spaces between."""
    is_over = row.former_until is None or row.former_until <= now
    return "" if is_over else row.former_secret or ""


def _listening() -> list[Webhook]:
    """Who wants to hear of something, without their secrets."""
    # Asked for every answer, and nearly always by a service without webhooks.
    if _anybody().fetchone() is None:
        return []
    columns = (Webhook.id, Webhook.events, Webhook.surveys, Webhook.owner, Webhook.made_by)
    return list(Webhook.select(*columns).where(Webhook.enabled))


_anybody = db.Prepared(lambda: Webhook.select(SQL("1")).where(Webhook.enabled).limit(1))


def _wants(row: Webhook, seen: Sight, type_: str, survey: str | None, owner: str | None) -> bool:
    """Whether it hears of such an event. Rows of an owner hear of the owner's alone, which are chosen already."""
    if seen.paused:
        return False
    if owner is not None or row.owner is not None:
        return owner == row.owner and type_ in row.events
    return type_ in row.events and (survey is None or seen.surveys is None or survey in seen.surveys)


def _queue(told: Told, takers: Sequence[str], now: datetime) -> None:
    id_ = _id(told)
    if told.mark is not None and WebhookEvent.select().where(WebhookEvent.id == id_).exists():
        return
    key = _event(told, id_, now)
    _insert.many([_delivery(taker, key, now) for taker in takers])
    _count(told.type, len(takers))
    jobs.enqueue(DUE, {}, now)


def _queue_test(row: Webhook, type_: str, subject: str, now: datetime) -> WebhookDelivery:
    key = _event(Told(type_, subject, owner=row.owner), ids.new("msg"), now, test=True)
    # Ahead of all that waits.
    _insert.many([_delivery(row.id, key, now) | {"due_at": now - KEPT}])
    _try_at_once(row.id, now)
    found = WebhookDelivery.webhook == row.id, WebhookDelivery.event == key
    return WebhookDelivery.select(WebhookDelivery, WebhookEvent).join(WebhookEvent).where(*found).get()


def _try_at_once(webhook_id: str, now: datetime) -> None:
    """However often it failed: somebody is looking at it."""
    Webhook.update(failures=0, rests_until=None).where(Webhook.id == webhook_id).execute()
    jobs.enqueue(DUE, {}, now)


def _try_all_at_once(webhook_id: str, now: datetime) -> None:
    """All that waits for a webhook is due."""
    waiting = (WebhookDelivery.webhook == webhook_id) & (WebhookDelivery.state == PENDING)
    WebhookDelivery.update(due_at=now).where(waiting).execute()
    _try_at_once(webhook_id, now)


def _event(told: Told, id_: str, now: datetime, test: bool = False) -> int:
    return WebhookEvent.insert(
        id=id_,
        type=told.type,
        survey_id=told.survey,
        response=told.response,
        subject=told.subject,
        test=test,
        created_at=now,
        owner=told.owner,
    ).execute()


def _id(told: Told) -> str:
    if told.mark is None:
        return ids.new("msg")
    return "msg_" + signing.derive("webhook event", told.type, told.subject, told.mark)[:32]


def _delivery(webhook_id: str, key: int, now: datetime) -> dict[str, Any]:
    return {
        "webhook": webhook_id,
        "event": key,
        "state": PENDING,
        "attempts": 0,
        "queued_at": now,
        "due_at": now,
    }


def _count(type_: str, n: int) -> None:
    WebhookTotal.insert(type=type_, n=n).on_conflict(
        conflict_target=[WebhookTotal.type], update={WebhookTotal.n: WebhookTotal.n + n}
    ).execute()


_again = (
    WebhookDelivery.state,
    WebhookDelivery.attempts,
    WebhookDelivery.queued_at,
    WebhookDelivery.due_at,
    WebhookDelivery.status,
    WebhookDelivery.error,
    WebhookDelivery.ended_at,
)
_insert = db.Insert(
    WebhookDelivery, conflict_target=[WebhookDelivery.webhook, WebhookDelivery.event], preserve=_again
)
