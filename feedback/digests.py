"""Digests: what came in a day, a week or a month, by mail, at most once each time, and not when nothing came."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from feedback import digest_mail, readers
from feedback.models import Digest
from surveys import daily_counts, links, visible
from surveys.base import db, delivery, ids, jobs, signing
from surveys.base.accounts import keys, makers, members
from surveys.base.accounts.caller import Caller
from surveys.base.delivery.message import (
    AUTOMATIC,
    DeliveryFailed,
    DeliveryUnknown,
    Message,
    stopped_at,
)
from surveys.base.errors import Clash, Missing, Unauthorized
from surveys.domain import addresses, schedule

#: The jobs that ask somebody whether they want a digest, and that send one.
ASK, DUE = "digest to confirm", "digest due"

#: The hour of the day, where its reader is, from which on the last day, week or month is told of.
HOUR = 7

#: Digests that one address is asked for within KEPT; more would be a nuisance.
MOST_ASKED = 5

#: What nobody confirmed, and what a member stopped, is forgotten after that. Somebody else's stop is their refusal.
KEPT = timedelta(days=30)

SENDING, SENT, NOTHING, UNKNOWN, FAILED = "sending", "sent", "nothing", "unknown", "failed"

#: Nobody wants it any more; the row says that its address was asked, or refused.
DELETED = "deleted"

_ASKED = """Hello,

somebody at {site} wants to send you, {when}, what customers say there.

Do you want that? Say so here; until then nothing is sent:
{link}

If not, do nothing, or say so there: then nobody can ask you for it again.
"""


def create(values: Mapping[str, Any], caller: Caller, now: datetime) -> Digest:
    """Take down who wants a digest (`email`, `when`, `filters`). Who has no account is asked first, by mail.

    There is one of the same view and rhythm for the same reader: a second call gets that one. Raises Clash where that
    address was asked often enough or wants no mail of ours, Unauthorized when the caller's key was revoked meanwhile.
    """
    email = addresses.normal(values["email"]) or ""
    member = members.by_email(email)
    joined = member is not None and member.joined_at is not None
    surveys = visible.only(caller)

    def verb() -> Digest:
        if caller.member is None and not keys.hold(caller.id):
            raise Unauthorized
        db.serialise(f"digests of {email}")
        mine = Digest.email == email
        if member is not None and joined:
            mine |= Digest.member == member.id
        for known in Digest.select().where(mine, Digest.stopped_at.is_null(), _THERE):
            if (known.when, known.filters, known.surveys) != (values["when"], values["filters"], surveys):
                continue
            # That of a member who left is not for whoever reads mail there now, and has not been asked.
            if joined or known.member is None:
                return _again(known, member.id if member is not None and joined else None, caller, now)
        if not joined:
            _check_reader(email, now)
        row = Digest.create(
            id=ids.new("dig"),
            email=email,
            member=member.id if member is not None and joined else None,
            when=values["when"],
            filters=values["filters"],
            surveys=surveys,
            made_by=caller.id,
            created_at=now,
        )
        if joined:
            _confirm(row.id, now)
        else:
            jobs.enqueue(ASK, {"digest": row.id}, now)
        return _looked_up(row.id)

    return db.write(verb)


def there(query: Any) -> Any:
    """A query of digests without those that were deleted, whose rows stay for a while."""
    return query.where(_THERE)


def token(row: Digest) -> str:
    """The secret in the address at which its reader confirms or stops it."""
    return signing.sign("digest", row.id)


def opened_by(token: str, now: datetime) -> Digest:
    """The digest of a token. Raises Missing."""
    try:
        row = Digest.get_or_none(Digest.id == signing.read("digest", token, now))
    except signing.BadToken:
        row = None
    if row is None or row.outcome == DELETED:
        raise Missing
    found: Digest = row
    return found


def confirm(row: Digest, now: datetime) -> None:
    """Its reader wants it: the first one comes when the time that runs now is over."""
    db.write(lambda: _confirm(row.id, now))


def stop(row: Digest, now: datetime) -> None:
    """Its reader wants no more."""
    mine = (Digest.id == row.id) & Digest.stopped_at.is_null()
    db.write(Digest.update(stopped_at=now).where(mine).execute)


def delete(row: Digest) -> None:
    """Nobody wants it any more. Of somebody without an account it stays known that they were asked, or refused."""
    db.write(lambda: _delete(Digest.id == row.id))


def of_member(member_id: str) -> list[Digest]:
    """A member's own digests that were not stopped, oldest first."""
    mine = (Digest.member == member_id) & Digest.stopped_at.is_null()
    rows = list(Digest.select().where(mine).order_by(Digest.created_at, Digest.id))
    makers.sights(rows)
    return rows


def hourly(now: datetime) -> int:
    """Queue what is due: for each digest the last time that is over, once; how many."""
    live = Digest.select().where(Digest.confirmed_at.is_null(False), Digest.stopped_at.is_null())
    return sum(_queue(row, now) for row in list(live))


def hold(now: datetime) -> None:
    """After a restore: what is over may have been sent since the backup, and is not told of again."""
    for row in list(Digest.select().where(Digest.confirmed_at.is_null(False))):
        over = _last(row.when, _zone(row), now)
        Digest.update(queued_for=over, begun_for=over, told_until=None).where(Digest.id == row.id).execute()


def unsent(since: datetime) -> int:
    """How many digests failed the last time, or may have arrived, of a time that was not over before."""
    lately = Digest.begun_for.is_null() | (Digest.begun_for >= (since - _LONGEST).date().isoformat())
    return Digest.select().where(Digest.outcome.in_((FAILED, UNKNOWN)), lately).count()


def tidy(now: datetime) -> int:
    """Forget what nobody confirmed and what a member stopped, KEPT ago; how many."""
    unconfirmed = (
        Digest.confirmed_at.is_null() & Digest.stopped_at.is_null() & (Digest.created_at < now - KEPT)
    )
    stopped = Digest.member.is_null(False) & (Digest.stopped_at < now - KEPT)
    return db.write(Digest.delete().where(unconfirmed | stopped).execute)


@jobs.on(ASK, lane=jobs.MAIL)
def ask(payload: dict[str, Any], now: datetime) -> None:
    """Ask somebody without an account whether they want a digest, once, and not who must not be asked by now."""
    row = Digest.get_or_none(Digest.id == payload["digest"])
    if row is None or row.confirmed_at is not None or row.stopped_at is not None:
        return
    if readers.why_not(row.email) is not None:
        stop(row, now)
        return
    link = links.to(f"/d/{token(row)}")
    text = _ASKED.format(site=links.to(""), when=digest_mail.WHEN[row.when], link=link)
    headers = AUTOMATIC | stopped_at(link)
    mail = Message(row.email, "Do you want this digest?", text, id=f"{row.id}.asked", headers=headers)
    readers.ask_once(mail, lambda before, after: _mark_asked(row.id, before, after), now)


@jobs.on(DUE, lane=jobs.MAIL)
def send(payload: dict[str, Any], now: datetime) -> None:
    """Send one digest, unless that was begun before: it is marked before it leaves, for twice is worse than never."""
    row, begins = Digest.get_or_none(Digest.id == payload["digest"]), payload["for"]
    if row is None or row.stopped_at is not None:
        return
    if row.begun_for == begins:
        if row.outcome == SENDING:
            _note(row.id, begins, UNKNOWN, None)
        return
    zone = _zone(row)
    _, until = digest_mail.period(row, begins, zone)
    mail = digest_mail.compose(row, begins, zone, links.to(f"/d/{token(row)}"))
    if mail is None:
        _begin(row.id, begins, NOTHING, until)
        return
    if not _begin(row.id, begins, SENDING, until):
        return
    try:
        delivery.transport("mail").send(mail, now)
    except DeliveryUnknown:
        _note(row.id, begins, UNKNOWN, None)
    except DeliveryFailed as error:
        if error.again:
            # Nothing has left: it may be begun again.
            mine = (Digest.id == row.id) & (Digest.begun_for == begins)
            again = {"begun_for": row.begun_for, "told_until": row.told_until, "outcome": FAILED}
            db.write(Digest.update(again).where(mine).execute)
            raise
        _note(row.id, begins, FAILED, None)
    else:
        _note(row.id, begins, SENT, now)


class OfMakers:
    """What becomes of digests when the key or the member goes who made them (see `keys.use_things`)."""

    def made_with(self, maker_ids: Sequence[str]) -> Mapping[str, list[Digest]]:
        """The digests that each key or member made, oldest first."""
        found: dict[str, list[Digest]] = {}
        made = there(Digest.select().where(Digest.made_by.in_(maker_ids)))
        for row in made.order_by(Digest.created_at, Digest.id):
            found.setdefault(row.made_by, []).append(row)
        return found

    def revoke(self, maker_id: str) -> None:
        """The digests go with their maker."""
        _delete(Digest.made_by == maker_id)

    def hand_over(self, maker_id: str) -> None:
        """The digests stay, and nobody but the service made them."""
        for row in self.made_with([maker_id]).get(maker_id, []):
            values = {"made_by": makers.SERVICE, "surveys": makers.handed_over(row)}
            Digest.update(values).where(Digest.id == row.id).execute()

    def narrow(self, maker_id: str) -> None:
        """The digests are paused, and kept to what their maker saw."""
        for row in self.made_with([maker_id]).get(maker_id, []):
            Digest.update(surveys=makers.narrowed(row)).where(Digest.id == row.id).execute()


# ------------------------------------------------------------------------------------------------------


#: The longest time that a digest tells of; it is known by its first day.
_LONGEST = timedelta(days=31)

_THERE = Digest.outcome.is_null() | (Digest.outcome != DELETED)


def _check_reader(email: str, now: datetime) -> None:
    """Raises Clash where somebody without an account must not be asked."""
    readers.check(email, "email")
    theirs = (Digest.email == email) & Digest.member.is_null()
    asked = (Digest.created_at > now - KEPT) & Digest.confirmed_at.is_null()
    if Digest.select().where(theirs, asked).count() >= MOST_ASKED:
        raise Clash("This address was asked often enough for now.", "email")


def _again(known: Digest, member_id: str | None, caller: Caller, now: datetime) -> Digest:
    """Somebody asks again for a digest: it is for whoever has that address now, and nobody's who may not see it."""
    values: dict[str, Any] = {"member": member_id}
    if makers.sight(known).paused:
        values["made_by"] = caller.id
    if member_id is not None and known.member != member_id:
        # It begins anew.
        values["confirmed_at"] = None
    Digest.update(values).where(Digest.id == known.id).execute()
    if member_id is not None:
        _confirm(known.id, now)
    return _looked_up(known.id)


def _looked_up(digest_id: str) -> Digest:
    """A digest, with why nothing leaves of it."""
    row: Digest = Digest.get_by_id(digest_id)
    makers.sight(row)
    return row


def _delete(which: Any) -> None:
    Digest.delete().where(which, Digest.member.is_null(False)).execute()
    Digest.update(outcome=DELETED, confirmed_at=None, made_by="").where(which).execute()


def _mark_asked(digest_id: str, before: str | None, after: str | None) -> bool:
    """Mark how far asking for a digest is: whether it was as far as `before`. What was confirmed or deleted stays."""
    stood = Digest.outcome.is_null() if before is None else Digest.outcome == before
    mine = (Digest.id == digest_id) & Digest.confirmed_at.is_null() & stood
    return bool(db.write(Digest.update(outcome=after).where(mine).execute))


def _zone(row: Digest) -> ZoneInfo:
    """The zone whose days and mornings a digest keeps to: a member's own, or that of the service."""
    reader = members.get(row.member) if row.member is not None else None
    of_service = daily_counts.time_zone()
    return of_service if reader is None else reader.zone(of_service)


def _last(when: str, zone: ZoneInfo, now: datetime) -> str:
    """The first day of the last day, week or month that is over, and was by HOUR of the day."""
    interval, local = digest_mail.INTERVALS[when], now.astimezone(zone)
    # By the clock on the wall: on the days on which clocks are changed seven o'clock is not seven hours after midnight.
    today = local.date() - timedelta(days=local.hour < HOUR)
    current = schedule.first_day(today, interval)
    return schedule.first_day(current - timedelta(days=1), interval).isoformat()


def _confirm(digest_id: str, now: datetime) -> None:
    """What is over already is not told of."""
    row = Digest.get_or_none(Digest.id == digest_id)
    if row is None:
        return
    over = _last(row.when, _zone(row), now)
    values = {
        "confirmed_at": now,
        "stopped_at": None,
        "queued_for": over,
        "begun_for": over,
        "outcome": None,
        "told_until": None,
    }
    # Who confirms twice, or takes a stop back, is not told of a time twice.
    Digest.update(values).where(
        (Digest.id == digest_id) & _THERE & (Digest.confirmed_at.is_null() | Digest.stopped_at.is_null(False))
    ).execute()


def _queue(row: Digest, now: datetime) -> bool:
    begins = _last(row.when, _zone(row), now)

    def verb() -> bool:
        later = Digest.queued_for.is_null() | (Digest.queued_for < begins)
        if not Digest.update(queued_for=begins).where((Digest.id == row.id) & later).execute():
            return False
        jobs.enqueue(DUE, {"digest": row.id, "for": begins}, now)
        return True

    return db.write(verb)


def _begin(digest_id: str, begins: str, outcome: str, until: datetime) -> bool:
    """Mark a time that ends then as begun: whoever changes the row sends it."""
    fresh = Digest.begun_for.is_null() | (Digest.begun_for < begins)
    values = {"begun_for": begins, "outcome": outcome, "told_until": until}
    return bool(db.write(Digest.update(values).where((Digest.id == digest_id) & fresh).execute))


def _note(digest_id: str, begins: str, outcome: str, sent_at: datetime | None) -> None:
    values: dict[str, Any] = {"outcome": outcome} | ({"sent_at": sent_at} if sent_at else {})
    mine = (Digest.id == digest_id) & (Digest.begun_for == begins)
    db.write(Digest.update(values).where(mine).execute)
