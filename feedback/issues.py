"""Issues of topics in trackers: made at most once or linked, followed, and what a tracker says of them decided on.

Making one is a job. Before it calls it marks the row, and before it makes anything it looks whether the tracker has an
issue with the row's marker. A call whose outcome nobody knows is shown and looked after, and never repeated by itself
(docs/promises.md, P9).
A tracker's own calls are believed in nothing but that something changed: the issue is then asked for. Whatever it says
is a proposal, and nobody is told of anything.
"""

import json
import re
import secrets
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from peewee import OP, Expression, Value, fn

from feedback import proofs
from feedback.domain import redaction
from feedback.models import IssueEvent, Placement, Topic, TopicIssue, Tracker
from feedback.topics import topics
from feedback.trackers import TRACKERS
from feedback.trackers.tracker import (
    DONE,
    DROPPED,
    OPEN,
    STARTED,
    Absent,
    Account,
    Declined,
    Draft,
    Heard,
    Issue,
    Reached,
    Unclear,
)
from feedback.trackers.tracker import Tracker as Adapter
from surveys import links
from surveys.base import db, delivery, ids, jobs, signing
from surveys.base.delivery.client import Unreached
from surveys.base.delivery.message import DeliveryFailed
from surveys.base.errors import Clash, Missing, Refused
from surveys.base.http import idempotency
from surveys.base.origins import DEFAULT_PORTS
from surveys.helpdesks import reading
from surveys.helpdesks.helpdesk import Call, Request, fingerprint
from surveys.models import Person, Response

#: The job that makes or links an issue, and the one that looks at it again.
MAKE, LOOK = "issue to be made", "issue to be looked at"

WANTED, TRYING, UNKNOWN, FAILED, LINKED, GONE = STATES = (
    *("wanted", "trying", "unknown", "failed", "linked", "gone"),
)

#: Why a tracker is not listened to: a person said so, or gave the topic a status by hand.
PERSON, STATUS = PAUSES = ("person", "status")

#: The status that a topic would have by what a tracker says; a closed duplicate says nothing of its topic.
PROPOSED = {STARTED: "in_progress", DONE: "shipped", DROPPED: "wont_do"}

#: What is over for the team; an issue that is open again takes it back.
OVER = ("shipped", "wont_do")

#: When an issue that may have been made is looked for again: an index may lag, a server may be away.
LATER = tuple(timedelta(minutes=minutes) for minutes in (1, 10, 60))

#: Of an answer so much is read: a list of issues holds all that is written in them.
MOST_BYTES = 4 * 1024 * 1024

MOST_REASON = 200

_TAKEN = "The topic has an issue already."
_BUSY = "It is being made just now. Try again in a minute."


class Unproven(Exception):
    """The call does not show that it comes from this tracker."""


# --------------------------------------------------------------------------------------------- trackers


def connect(values: Mapping[str, Any], now: datetime) -> tuple[Tracker, str | None]:
    """Connect a tracker; the secret of its webhook when we made it, to be shown once."""
    adapter = TRACKERS[values["kind"]]
    fresh = None if values.get("secret") or adapter.OWN_SECRET else secrets.token_urlsafe(32)
    row = Tracker(
        id=ids.new("trk"),
        name=values["name"],
        kind=values["kind"],
        settings=_settings(adapter, values),
        credentials={"user": values.get("user") or "", "token": values["token"]},
        secret=values.get("secret") or fresh,
        created_at=now,
    )
    db.write(lambda: row.save(force_insert=True))
    return Tracker.get_by_id(row.id), fresh


def change(row: Tracker, values: Mapping[str, Any]) -> Tracker:
    """Change a tracker; what is left out stays, secrets too. Raises Clash for another place while topics have issues
    in this one, and Refused for another host without the token that goes there: the one that is kept was given for the
    host of before.
    """
    adapter = TRACKERS[row.kind]

    def verb() -> Tracker:
        # Locked, so that of two changes at once neither takes a token for the host of the other.
        found = _locked(row.id)
        if found is None:
            raise Missing
        new: dict[str, Any] = {name: values[name] for name in ("name", "secret") if values.get(name)}
        if {"token", "user"} & values.keys():
            known = found.credentials or {"user": "", "token": ""}
            new["credentials"] = {
                **known,
                **{name: values[name] for name in ("token", "user") if values.get(name)},
            }
        if {field.name for field in adapter.FIELDS} & values.keys():
            new["settings"] = _settings(adapter, {**found.settings, **values})
            _check_place(found, adapter, new["settings"])
            before = _settings(adapter, found.settings)
            if not values.get("token") and _host(new["settings"]) != _host(before):
                raise Refused(
                    "Is needed with another host: the token that is kept is not sent there.", "token"
                )
        if new:
            # Nothing else: a secret that cannot be read at the moment must not be written over.
            Tracker.update({**new, "problem": None, "checked_at": None}).where(Tracker.id == row.id).execute()
        return Tracker.get_by_id(row.id)

    return db.write(verb)


def disconnect(row: Tracker) -> None:
    """Forget a tracker and which issues topics have in it; the issues stay."""
    db.write(Tracker.delete().where(Tracker.id == row.id).execute)


def try_out(row: Tracker, now: datetime) -> Reached:
    """Call the tracker; what is reached, or why nothing is. Nothing is made."""
    try:
        found = TRACKERS[row.kind].check(account_of(row), ask)
    except (Declined, Absent, DeliveryFailed) as error:
        found = Reached("", _why(error))
    db.write(Tracker.update(checked_at=now, problem=found.problem).where(Tracker.id == row.id).execute)
    return found


def check_address(url: str | None) -> None:
    """Raises Refused for the address of a tracker that may not be called."""
    if url:
        try:
            delivery.outbound().check(url)
        except DeliveryFailed as error:
            # Unknown right now may be known later; private stays private.
            if not error.again:
                raise Refused(f"Cannot be called: {error}.", "url") from None


def account_of(row: Tracker) -> Account:
    """The account as its adapter knows it."""
    known = row.credentials or {}
    return Account(row.settings, known.get("user", ""), known.get("token", ""), row.secret or "")


def ask(request: Request) -> Any:
    """Send a request to a tracker; the answer's JSON. Raises as `feedback.trackers.tracker.Ask` says."""
    headers, body = dict(request.headers), None
    if request.json is not None:
        body, headers["Content-Type"] = json.dumps(request.json).encode(), "application/json"
    answer = delivery.outbound().call(request.method, request.url, body, headers, most=MOST_BYTES)
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        said = None
    status = answer.status
    if 200 <= status < 300:
        if said is None:
            raise Unclear("an answer that is no JSON")
        return said
    if status in (404, 410):
        raise Absent
    if status >= 500:
        raise Unclear(f"status {status}")
    given = {name.lower(): value for name, value in answer.headers.items()}
    slow = status == 429 or "retry-after" in given or given.get("x-ratelimit-remaining") == "0"
    raise Declined(_refusal(status, said), again=slow, said=said)


# ----------------------------------------------------------------------------------------------- issues


def of(topic: Topic) -> TopicIssue | None:
    """The issue of a topic, or of one that was merged into it."""
    rows = TopicIssue.select().join(Topic, on=(Topic.id == TopicIssue.topic))
    found = list(
        rows.where((Topic.id == topic.id) | (Topic.merged_into == topic.id)).order_by(TopicIssue.created_at)
    )
    return next((row for row in found if row.topic_id == topic.id), found[0] if found else None)


def proposals() -> dict[str, str]:
    """The status that a tracker proposes and nobody decided on yet, by the topic that would get it."""
    rows: Any = (
        TopicIssue.select(fn.COALESCE(Topic.merged_into, Topic.id), TopicIssue.proposal)
        .join(Topic, on=(Topic.id == TopicIssue.topic))
        .where(TopicIssue.proposal.is_null(False))
        .order_by(TopicIssue.proposed_at)
    )
    return dict(rows.tuples())


def troubled(most: int) -> list[TopicIssue]:
    """Issues that were not made, or of which nobody knows whether they were, the newest first, with their topics."""
    rows = TopicIssue.select(TopicIssue, Topic).join(Topic, on=(Topic.id == TopicIssue.topic))
    rows = rows.where(TopicIssue.state.in_((UNKNOWN, FAILED)))
    return list(rows.order_by(TopicIssue.created_at.desc(), TopicIssue.topic).limit(most))


def history(topic: Topic) -> list[IssueEvent]:
    """What happened to the issues of a topic, the first first."""
    rows = IssueEvent.select().join(Topic, on=(Topic.id == IssueEvent.topic))
    return list(rows.where((Topic.id == topic.id) | (Topic.merged_into == topic.id)).order_by(IssueEvent.id))


def make(
    topic: Topic, tracker: Tracker, title: str | None, text: str | None, by: str, now: datetime
) -> TopicIssue:
    """Have an issue made of a topic, and give its badge an address, which the issue shows.

    `title` None: what the topic is called. No comment goes with it. Raises Clash where the topic has an issue or went
    into another; Refused where title or text hold personal data or a customer's name.
    """
    _check_words(topic, "title", title or topic.label)
    _check_words(topic, "text", text or "")
    return _put(topic, tracker, by, now, publishes=True, title=title, text=text or None)


def link(topic: Topic, tracker: Tracker, address: str, by: str, now: datetime) -> TopicIssue:
    """Have an issue that is there be the topic's. Raises Clash as `make`, Refused for an address of something else."""
    if TRACKERS[tracker.kind].named(account_of(tracker), address) is None:
        raise Refused("Is no address of an issue in this tracker.", "url")
    return _put(topic, tracker, by, now, address=address)


def again(row: TopicIssue, by: str, now: datetime) -> None:
    """Try once more what failed or may have failed: the tracker is asked first whether it has the issue already."""

    def verb() -> None:
        found = _current(row)
        if found.state not in (UNKNOWN, FAILED):
            raise Clash("It did not fail.")
        _set(found, state=WANTED, reason=None)
        _note(found, "again", now, by)
        jobs.enqueue(MAKE, {"topic": found.topic_id, "marker": found.marker}, now)

    db.write(verb)


def look_now(row: TopicIssue, now: datetime) -> None:
    """Have the tracker asked how the issue is, or whether it was made after all."""
    payload = {"topic": row.topic_id, "marker": row.marker}
    db.write(lambda: jobs.enqueue(MAKE if row.state == UNKNOWN else LOOK, payload, now))


def unlink(row: TopicIssue, by: str, now: datetime) -> None:
    """The topic has no issue any more; the tracker keeps it. Raises Clash while it is being made."""

    def verb() -> None:
        found = _current(row)
        if found.state == TRYING:
            raise Clash(_BUSY)
        _note(found, "unlinked", now, by)
        if found.url:
            Topic.update(issue_url=None).where(
                Topic.id == found.topic_id, Topic.issue_url == found.url
            ).execute()
        TopicIssue.delete().where(TopicIssue.topic == found.topic_id).execute()

    db.write(verb)


def pause(row: TopicIssue, by: str, now: datetime) -> None:
    """Listen to the tracker no more, until `resume`."""

    def verb() -> None:
        found = _current(row)
        if found.state == LINKED and found.paused is None:
            _pause(found, PERSON, by, now)

    db.write(verb)


def resume(row: TopicIssue, by: str, now: datetime) -> None:
    """Listen again, and ask at once what happened meanwhile."""

    def verb() -> None:
        found = _current(row)
        if found.paused is not None:
            _set(found, paused=None)
            _note(found, "resumed", now, by)
            jobs.enqueue(LOOK, {"topic": found.topic_id, "marker": found.marker}, now)

    db.write(verb)


def decide(row: TopicIssue, proposal: str, accepts: bool, by: str, now: datetime) -> None:
    """Give the topic the status that the tracker proposes, or leave it as it is.

    Raises Clash where the tracker proposes something else by now.
    """

    def verb() -> None:
        found = _current(row)
        if found.proposal != proposal:
            raise Clash("The tracker does not propose that any more.")
        if accepts:
            topic = _standing(found)
            former = topic.status if proposal in OVER and topic.status not in OVER else found.former
            _set(found, former=former)
            topics.change(topic.id, {"status": proposal}, now, by, follows=True)
        _note(found, "accepted" if accepts else "declined", now, by, proposal)
        _set(found, proposal=None, proposed_by=None, proposed_at=None)

    db.write(verb)


def changed_by_hand(topic_id: str, status: str, by: str, now: datetime) -> None:
    """A person gave a topic a status: its tracker is not listened to any more, unless that is what it proposed.

    Called in the transaction.
    """
    row = of(Topic.get_by_id(topic_id))
    if row is None or row.state != LINKED or row.paused is not None:
        return
    if row.proposal == status:
        _note(row, "accepted", now, by, status)
        _set(row, proposal=None, proposed_by=None, proposed_at=None)
    else:
        _pause(row, STATUS, by, now)


def receive(tracker: Tracker, call: Call, now: datetime) -> tuple[str, str]:
    """Read a tracker's call: `accepted`, `duplicate` or `ignored`, and why. Raises Unproven.

    Nothing here waits for anybody.
    """
    adapter, account = TRACKERS[tracker.kind], account_of(tracker)
    if not account.secret or not adapter.proved(account.secret, call, now):
        raise Unproven
    heard = adapter.heard(account, call)
    mark = signing.keyed_hash("tracker call", f"{tracker.id} {fingerprint(call)}")

    def verb() -> tuple[str, str]:
        Tracker.update(heard_at=now).where(Tracker.id == tracker.id).execute()
        if not isinstance(heard, Heard):
            return "ignored", heard.reason
        ref = reading.ident(heard.ref)
        # Several topics may be linked to one issue.
        mine = (TopicIssue.tracker == tracker.id) & (TopicIssue.ref == ref)
        rows = list(TopicIssue.select().where(mine).order_by(TopicIssue.topic)) if ref is not None else []
        if not rows:
            return "ignored", "no topic has this issue"
        if idempotency.begin(mark, mark, now) is not None:
            return "duplicate", "these bytes came before"
        idempotency.finish(mark, 200, "")
        by = reading.line(heard.by, 100)
        looks = [({"topic": row.topic_id, "marker": row.marker, "by": by}, now) for row in rows]
        jobs.enqueue_all(LOOK, looks)
        return "accepted", "the issue is asked for"

    return db.write(verb)


# ------------------------------------------------------------------------------------------------- jobs


@jobs.on(MAKE, lane=jobs.CALLS)
def work(payload: dict[str, Any], now: datetime) -> None:
    """Make or link one issue. Whatever may have made it before is looked for first, and repeated by no machine."""
    row = _found(payload)
    if row is None or row.state not in (WANTED, TRYING, UNKNOWN):
        return
    tracker = Tracker.get_by_id(row.tracker_id)
    adapter, account = TRACKERS[tracker.kind], account_of(tracker)
    try:
        if row.address is not None:
            _stands(row, adapter.fetch(account, adapter.named(account, row.address) or "", ask), now)
            return
        found = adapter.find(account, row.marker, row.created_at, now, ask)
        if found is not None:
            _stands(row, found, now)
        elif row.state == WANTED:
            _create(row, adapter, adapter.ready(account, ask), now)
        else:
            _unknown(row, "It is not in the tracker (yet).", now)
    except Absent as error:
        # Who sees nothing in a place cannot tell what was made there.
        (_fails if row.state == WANTED else _unknown)(row, _why(error), now)
    except Declined as declined:
        if not declined.again and row.state == WANTED:
            _fails(row, _why(declined), now)
            return
        _again_later(row, declined, now)
    except DeliveryFailed as error:
        if not error.again and row.state == WANTED:
            _fails(row, _why(error), now)
            return
        _again_later(row, error, now)


@jobs.on_death(MAKE)
def give_up(payload: dict[str, Any], error: str, now: datetime) -> None:
    """No attempt is left: what was never sent has failed, what was cut off half-way is unknown."""
    row = _found(payload)
    if row is not None and row.state == WANTED:
        _fails(row, f"Given up: {row.reason or error}", now)
    elif row is not None and row.state == TRYING:
        _unknown(row, "The service stopped half-way.", now)


@jobs.on(LOOK, lane=jobs.CALLS)
def look(payload: dict[str, Any], now: datetime) -> None:
    """Ask a tracker how an issue is now, and propose what follows from it."""
    row = _found(payload)
    if row is None or row.state not in (LINKED, GONE) or row.paused is not None:
        return
    tracker = Tracker.get_by_id(row.tracker_id)
    try:
        issue = TRACKERS[tracker.kind].fetch(account_of(tracker), row.ref or "", ask)
    except Absent:
        _gone(row, now)
        return
    except Declined as declined:
        _reason(row, _why(declined))
        if declined.again:
            raise DeliveryFailed(_why(declined), again=True) from declined
        return
    except DeliveryFailed as error:
        _reason(row, _why(error))
        if error.again:
            raise
        return

    def verb() -> None:
        found = _found(payload)
        if found is not None and found.paused is None:
            _set(found, state=LINKED, reason=None, key=issue.key, url=issue.url)
            _tell(found, issue, payload.get("by"), now)

    db.write(verb)


# ------------------------------------------------------------------------------------------------------


_locked = db.Lookup(Tracker.id, lock=True)


def _settings(adapter: Adapter, values: Mapping[str, Any]) -> dict[str, str]:
    return {field.name: values.get(field.name) or field.default for field in adapter.FIELDS}


def _host(settings: Mapping[str, str]) -> tuple[str, str | None, int | None]:
    """Whom a tracker with these settings calls: scheme, host and port."""
    parts = urlsplit(settings["url"])
    return parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)


def _check_place(row: Tracker, adapter: Adapter, settings: Mapping[str, str]) -> None:
    """Issues are known by what they are called in their place: they would be others in another one."""
    place = [field.name for field in adapter.FIELDS if field.is_place]
    moves = any(settings[name] != row.settings.get(name) for name in place)
    if moves and TopicIssue.select().where(TopicIssue.tracker == row.id).exists():
        raise Clash("Topics have issues in it. Connect the other place as a tracker of its own.", *place)


def _put(
    topic: Topic, tracker: Tracker, by: str, now: datetime, publishes: bool = False, **values: Any
) -> TopicIssue:
    """Note down an issue that is to be made or linked. `publishes`: the topic's badge gets an address with it."""

    def verb() -> TopicIssue:
        db.serialise("topics")
        if Topic.get_by_id(topic.id).merged_into is not None:
            raise Clash("The topic went into another one.")
        if of(topic) is not None:
            raise Clash(_TAKEN)
        row = TopicIssue(
            topic=topic.id,
            tracker=tracker.id,
            state=WANTED,
            marker=str(uuid.uuid4()),
            told=OPEN,
            made_by=by,
            created_at=now,
            **values,
        )
        row.save(force_insert=True)
        if publishes:
            proofs.publish(topic, proofs.BADGE, by, now)
        jobs.enqueue(MAKE, {"topic": topic.id, "marker": row.marker}, now)
        return row

    return db.write(verb)


def _check_words(topic: Topic, name: str, words: str) -> None:
    if redaction.tells(words):
        raise Refused("Must not hold an e-mail address, a telephone, card or account number.", name)
    if _names_a_customer(topic, words):
        raise Refused("Must not hold the name of a customer who speaks of it.", name)


def _names_a_customer(topic: Topic, words: str) -> bool:
    """Whether the full name of somebody who speaks of a topic stands in `words`."""
    if not words:
        return False
    within = Expression(Value(words), OP.ILIKE, Value("%").concat(fn.LOWER(Person.name)).concat("%"))
    spoken = (
        Response.select(Response.person)
        .join(Placement, on=(Placement.response == Response.key))
        .where(Placement.topic == topic.id)
    )
    names: Any = Person.select(Person.name).where(Person.id.in_(spoken), within).distinct().tuples()
    return any(" " in name.strip() and _whole(name.strip(), words) for (name,) in names)


def _whole(name: str, words: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", words, re.IGNORECASE) is not None


def _create(row: TopicIssue, adapter: Adapter, account: Account, now: datetime) -> None:
    """Make it, at most once: whoever gets to mark the row does it, everybody else is late."""
    draft = _draft(row)
    mine = (TopicIssue.topic == row.topic_id) & (TopicIssue.marker == row.marker)
    begun = TopicIssue.update(state=TRYING).where(mine & (TopicIssue.state == WANTED))
    if not db.write(begun.execute):
        return
    row.state = TRYING
    try:
        issue = adapter.create(account, draft, ask)
    except Absent as error:
        _fails(row, _why(error), now)
    except Unreached as error:
        _back(row, _why(error))
        raise
    except Declined as declined:
        if declined.again:
            _back(row, _why(declined))
            raise
        _fails(row, _why(declined), now)
    except DeliveryFailed as error:
        _unknown(row, _why(error), now)
    else:
        _stands(row, issue, now)


def _draft(row: TopicIssue) -> Draft:
    topic = _standing(row)
    # Published when the issue was asked for, and maybe taken back since: that stays so.
    badge = proofs.cards_of(row.topic).get(proofs.BADGE)
    return Draft(
        marker=row.marker,
        title=row.title or redaction.redact(topic.label),
        lines=(row.text or "").splitlines(),
        badge=links.card(proofs.BADGE, badge.id) if badge is not None else None,
        page=links.to(f"/team/topics/{topic.id}"),
    )


def _stands(row: TopicIssue, issue: Issue, now: datetime) -> None:
    """It is there: the topic has it, and what it says is looked at. What was written for it is not kept twice."""

    def verb() -> None:
        found = _found({"topic": row.topic_id, "marker": row.marker})
        if found is None or found.state in (LINKED, GONE):
            return
        _set(
            found,
            state=LINKED,
            reason=None,
            ref=issue.ref,
            key=issue.key,
            url=issue.url,
            title=None,
            text=None,
        )
        Topic.update(issue_url=issue.url).where(Topic.id == found.topic_id).execute()
        _note(found, "linked" if found.address else "made", now, found.made_by)
        _tell(found, issue, None, now)

    db.write(verb)


def _tell(row: TopicIssue, issue: Issue, by: str | None, now: datetime) -> None:
    """Propose what follows from how an issue is, once for each change of that. Call it in a transaction."""
    if issue.state == row.told:
        return
    _set(row, told=issue.state)
    topic = _standing(row)
    wanted = PROPOSED.get(issue.state)
    if issue.state == OPEN and topic.status in OVER:
        wanted = row.former or "in_progress"
    if wanted is not None and wanted != topic.status:
        if wanted != row.proposal:
            _note(row, "proposed", now, by, wanted)
        _set(row, proposal=wanted, proposed_by=by, proposed_at=now)
    elif row.proposal is not None:
        _note(row, "withdrawn", now, by, row.proposal)
        _set(row, proposal=None, proposed_by=None, proposed_at=None)


def _pause(row: TopicIssue, why: str, by: str, now: datetime) -> None:
    if why == PERSON and row.proposal is not None:
        # It comes again when the tracker is listened to again.
        _set(row, told=OPEN)
    _set(row, paused=why, proposal=None, proposed_by=None, proposed_at=None)
    _note(row, f"paused.{why}", now, by)


def _gone(row: TopicIssue, now: datetime) -> None:
    def verb() -> None:
        found = _current(row)
        if found.state == LINKED:
            _set(found, state=GONE, reason=_why(Absent()))
            _note(found, "gone", now)

    db.write(verb)


def _fails(row: TopicIssue, reason: str, now: datetime) -> None:
    def verb() -> None:
        found = _current(row)
        if found.state in (WANTED, TRYING):
            _set(found, state=FAILED, reason=reason[:MOST_REASON])
            _note(found, "failed", now)

    db.write(verb)


def _unknown(row: TopicIssue, reason: str, now: datetime) -> None:
    """It may have been made. It is looked for a few more times, and made again by a person alone."""

    def verb() -> None:
        found = _current(row)
        if found.state == TRYING:
            _set(found, state=UNKNOWN)
            _note(found, "unknown", now)
            for wait in LATER:
                payload = {"topic": found.topic_id, "marker": found.marker}
                jobs.enqueue(MAKE, payload, now, due_at=now + wait)
        if found.state == UNKNOWN:
            _set(found, reason=reason[:MOST_REASON])

    db.write(verb)


def _again_later(row: TopicIssue, error: Exception, now: datetime) -> None:
    """Nothing was made by this attempt; the job tries again. What is unknown has later looks of its own."""
    if row.state == UNKNOWN:
        _reason(row, _why(error))
        return
    _reason(row, _why(error))
    raise DeliveryFailed(_why(error), again=True) from error


def _back(row: TopicIssue, reason: str) -> None:
    """Nothing was made: it is to be made, as before."""
    mine = (TopicIssue.topic == row.topic_id) & (TopicIssue.marker == row.marker)
    undone = TopicIssue.update(state=WANTED, reason=reason).where(mine & (TopicIssue.state == TRYING))
    db.write(undone.execute)
    row.state = WANTED


def _reason(row: TopicIssue, reason: str) -> None:
    mine = (TopicIssue.topic == row.topic_id) & (TopicIssue.marker == row.marker)
    db.write(TopicIssue.update(reason=reason).where(mine).execute)


def _found(payload: Mapping[str, Any]) -> TopicIssue | None:
    return TopicIssue.get_or_none(
        (TopicIssue.topic == payload["topic"]) & (TopicIssue.marker == payload["marker"])
    )


def _current(row: TopicIssue) -> TopicIssue:
    """The row as it is in this transaction, which nobody else changes meanwhile. Raises Clash where it is gone."""
    db.serialise("topics")
    found = _found({"topic": row.topic_id, "marker": row.marker})
    if found is None:
        raise Clash("The topic has another issue by now, or none.")
    return found


def _set(row: TopicIssue, **values: Any) -> None:
    TopicIssue.update(values).where(TopicIssue.topic == row.topic_id).execute()
    for name, value in values.items():
        setattr(row, name, value)


def _note(
    row: TopicIssue, what: str, now: datetime, by: str | None = None, status: str | None = None
) -> None:
    IssueEvent.insert(topic=row.topic_id, what=what, status=status, key=row.key, made_by=by, at=now).execute()


def _standing(row: TopicIssue) -> Topic:
    """The topic that the issue is about: the one it was made of, or the one that this went into."""
    topic = Topic.get_by_id(row.topic_id)
    return topic if topic.merged_into is None else Topic.get_by_id(topic.merged_into)


def _why(error: Exception) -> str:
    if isinstance(error, Absent):
        return "There is no such thing in the tracker, or its token does not see it."
    return str(error)[:MOST_REASON]


def _refusal(status: int, said: Any) -> str:
    """What a tracker says to a call that it does not take, in its own words where it has some."""
    given: Sequence[Any] = ()
    if isinstance(said, dict):
        told = said.get("errors")
        given = (
            said.get("message"),
            *(said.get("errorMessages") or () if isinstance(said.get("errorMessages"), list) else ()),
            *(f"{name}: {each}" for name, each in (told if isinstance(told, dict) else {}).items()),
        )
    words = " ".join(each for each in given if isinstance(each, str))
    plain = reading.line(words, MOST_REASON - 20)
    return f"{plain} (status {status})" if plain else f"status {status}"
