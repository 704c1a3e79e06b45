"""Cases: opened once a person, joined by their further answers, worked on, closed by the customer or given up."""

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import peewee

from feedback.domain import follow_ups as the_rules
from feedback.domain import redaction
from feedback.domain.business_hours import Span, due, elapsed
from feedback.domain.follow_ups import (
    ASKED,
    BY_HAND,
    CLOSED,
    GIVEN_UP,
    HANDLED,
    NEW,
    SOLVED,
    STANDING,
    UNCONFIRMED,
)
from feedback.follow_ups import hours
from feedback.follow_ups.hours import Promise
from feedback.models import FollowUp, FollowUpResponse
from surveys import people, responses
from surveys.base import clock, db, ids, jobs
from surveys.base.accounts.caller import Caller
from surveys.base.errors import Clash, Missing, Refused
from surveys.models import Person, Response, Survey
from surveys.webhooks import telling
from surveys.webhooks.telling import Told

#: What webhooks hear of cases.
OPENED, OVERDUE, ENDED = "follow_up.opened", "follow_up.overdue", "follow_up.closed"

#: Cases whose due times one transaction works out anew.
AT_ONCE = 100


def open_by_hand(response: Response, caller: Caller, now: datetime) -> tuple[FollowUp, bool]:
    """Open a case for an answer, or let it join the open one of its person; the case, and whether that is new.

    Raises Clash where the answer's case is closed already, Missing where the answer is gone.
    """

    def verb() -> tuple[FollowUp, bool]:
        case, created = admit(response.key, BY_HAND, now, caller)
        if case.closed_at is not None:
            raise Clash(f"The case of this answer, {case.id}, is closed; open that one again.", "response")
        return case, created

    return db.write(verb)


def admit(key: int, rule: str, now: datetime, caller: Caller | None = None) -> tuple[FollowUp, bool]:
    """Put an answer into its case; into the open one of its person; else into a new one: the case, whether it is new.

    Call it in a transaction. Raises Missing for an answer that is gone.
    """
    row = _response(key)
    if row is None:
        raise Missing
    mine = _hold(row)
    joined = FollowUpResponse.get_or_none(FollowUpResponse.response == row.key)
    if joined is not None:
        return joined.follow_up, False
    # Two may be open where what was known of two people turned out to be of one: the older goes on.
    open_ones = FollowUp.select().where(FollowUp.person.in_(mine), FollowUp.closed_at.is_null())
    case = open_ones.order_by(FollowUp.opened_at, FollowUp.id).first() if mine else None
    created = case is None
    if case is None:
        case = FollowUp(id=ids.new("fu"), person=row.person_id, rule=rule, status=NEW, opened_at=now)
        _note(case, now, caller, {"opened": rule})
        _schedule(case, hours.promise())
        case.save(force_insert=True)
        telling.tell(Told(OPENED, case.id, row.survey_id, row.key, mark="opened"), now)
    else:
        _note(case, now, caller, {"joined": rule})
        FollowUp.update(history=case.history).where(FollowUp.id == case.id).execute()
    FollowUpResponse.insert(response=row.key, follow_up=case.id, rule=rule, joined_at=now).execute()
    responses.touch(row.key, now)
    return case, created


def change(case: FollowUp, given: Mapping[str, Any], caller: Caller, now: datetime) -> FollowUp:
    """Do what the team may: `owner`, `status`, `reason`, `steps`, `note`. Raises Refused, Clash and Missing."""

    def verb() -> FollowUp:
        row = _locked(case.id)
        if row is None:
            raise Missing
        done: dict[str, Any] = {}
        if "owner" in given and given["owner"] != row.owner:
            if row.owner is not None and not given.get("note"):
                raise Refused("Say in a sentence why somebody else takes over.", "note")
            done["owner"] = row.owner = given["owner"]
        if "steps" in given:
            steps = [step for step in the_rules.STEPS if step in given["steps"]]
            if steps != row.steps:
                done["steps"] = row.steps = steps
        moved = _move(row, given, now)
        done |= moved
        if done or given.get("note"):
            _note(row, now, caller, done, given.get("note"))
            _save(row, now, moved="status" in moved)
        return row

    return db.write(verb)


def hold(case_id: str) -> FollowUp | None:
    """The case, which nobody else changes until the transaction ends; None when it is gone."""
    row: FollowUp | None = _locked(case_id)
    return row


def write(row: FollowUp, kind: str, asks: bool, caller: Caller, now: datetime) -> None:
    """Note that a letter is on its way: it is the first answer, and the team now waits for whoever it asks. A member
    who writes where nobody looks after the case does from then on. Call it while the case is held.

    Raises Clash for a case that is closed.
    """
    if row.closed_at is not None:
        raise Clash("The case is closed; open it again first.", "status")
    status = ASKED if asks else HANDLED if row.status == NEW else row.status
    done = {"mailed": kind} | ({"status": status} if status != row.status else {})
    if row.owner is None and caller.member is not None:
        # Their answer goes to the owner.
        done["owner"] = row.owner = caller.member
    row.first_answer_at = row.first_answer_at or now
    _set(row, status, now)
    if asks:
        # Silence is counted from the last time on.
        row.asked_at = now
    _note(row, now, caller, done)
    _save(row, now, moved="status" in done)


def unwrite(
    case_id: str,
    kind: str,
    written_at: datetime,
    reason: str | None,
    others: Sequence[datetime],
    now: datetime,
) -> None:
    """Take back what `write` noted, because the letter never left. Call it in a transaction.

    `others`: when the letters of the case were written that left or still may.
    """
    row = _locked(case_id)
    if row is None:
        return
    done: dict[str, Any] = {"unmailed": kind}
    if row.first_answer_at is not None and clock.stamp(row.first_answer_at) == clock.stamp(written_at):
        row.first_answer_at = min([*others, *_answered(row)], default=None)
        row.answer_hours = None
    if row.closed_at is None:
        status = HANDLED if row.status == ASKED and kind == "ask" else row.status
        done |= {"status": status} if status != row.status else {}
        _set(row, status, now)
    _note(row, now, None, done, reason)
    _save(row, now, moved="status" in done)


def remark(case_id: str, what: Mapping[str, Any], note: str | None, now: datetime) -> None:
    """Add a line of what the service itself did. Call it in a transaction."""
    row = _locked(case_id)
    if row is not None:
        _note(row, now, None, what, note)
        row.save(only=[FollowUp.history])


def hear(case_id: str, said: str, text: str | None, letter_id: str, now: datetime) -> FollowUp | None:
    """The customer's own word to a letter: `fixed` solves, `not_yet` opens again, for somebody to look first. Call it
    in a transaction; the case that it is about now, None when it is gone.
    """
    row = _locked(case_id)
    if row is None:
        return None
    if said == "not_yet" and row.closed_at is not None and row.person_id is not None:
        mine = FollowUp.person.in_(_hold_person(row.person_id)) & FollowUp.closed_at.is_null()
        other = FollowUp.select().where(mine).order_by(FollowUp.opened_at, FollowUp.id).first()
        # They have another open case by now, which this joins.
        row = _locked(other.id) if other is not None else row
    if said == "fixed":
        status = SOLVED
    else:
        row.priority = 1
        status = NEW if row.owner is None else HANDLED
        if row.closed_at is not None:
            row.waits = [*row.waits, [clock.stamp(row.closed_at), clock.stamp(now)]]
    done = {"said": said, "letter": letter_id} | ({"status": status} if status != row.status else {})
    _set(row, status, now)
    row.reason = None
    _note(row, now, None, done, text)
    _save(row, now, moved="status" in done, touch=True)
    return row


def calm(person_id: str, text: str | None, letter_id: str, now: datetime) -> None:
    """Whoever said "not yet" to a letter says now that it is fixed: a case of theirs which that put first, and which is
    about something else too, stays open, and is as urgent as without it. Call it in a transaction.
    """
    mine = FollowUp.person.in_(_hold_person(person_id)) & FollowUp.closed_at.is_null()
    urgent: Any = FollowUp.select(FollowUp.id).where(mine & (FollowUp.priority > 0)).tuples()
    for (case_id,) in list(urgent):
        row = _locked(case_id)
        if row is None or _last_words(row).get(letter_id) != "not_yet":
            continue
        _note(row, now, None, {"said": "fixed", "letter": letter_id}, text)
        row.priority = int("not_yet" in _last_words(row).values())
        _save(row, now, moved=False, touch=True)


def opened_by(key: int) -> str | None:
    """The id of the case that an answer opened; None where it opened none, or only joined one."""
    joined = FollowUpResponse.get_or_none(FollowUpResponse.response == key)
    if joined is None:
        return None
    of_case = FollowUpResponse.select().where(FollowUpResponse.follow_up == joined.follow_up_id)
    first = of_case.order_by(FollowUpResponse.joined_at, FollowUpResponse.response).first()
    return joined.follow_up_id if first is not None and first.response_key == key else None


def tell(row: FollowUp, type_: str, now: datetime) -> None:
    """Have webhooks hear of a case: of the surveys of its answers, those that its first one is of. In a transaction."""
    first: Any = (
        FollowUpResponse.select(Response.survey, Response.key)
        .join(Response, on=(Response.key == FollowUpResponse.response))
        .where(FollowUpResponse.follow_up == row.id)
        .order_by(FollowUpResponse.joined_at, Response.key)
    )
    survey, key = first.limit(1).tuples().first() or (None, None)
    telling.tell(Told(type_, row.id, survey, key, mark=str(clock.microseconds(now))), now)


def owed_help(person_ids: Sequence[str]) -> bool:
    """Whether somebody, by the ids of their rows, said "not yet", and their case is open."""
    mine = FollowUp.person.in_(list(person_ids)) & FollowUp.closed_at.is_null()
    return FollowUp.select().where(mine & (FollowUp.priority > 0)).exists()


def lapse(now: datetime) -> int:
    """Close, unconfirmed, the cases whose customers have said nothing for SILENCE_DAYS; how many."""
    asked_before = now - timedelta(days=the_rules.SILENCE_DAYS)
    silent = (FollowUp.status == ASKED) & (FollowUp.asked_at <= asked_before)
    found: Any = FollowUp.select(FollowUp.id).where(silent).tuples()
    return sum(db.write(functools.partial(_lapse, row[0], asked_before, now)) for row in list(found))


def measure(now: datetime) -> int:
    """Work out how long answers and solutions took, for cases where that was not kept when it happened; how many."""
    count = total = db.write(_measure_some)
    while count == AT_ONCE:
        count = db.write(_measure_some)
        total += count
    return total


@jobs.on(hours.CHANGED)
def reschedule(payload: dict[str, Any], now: datetime) -> None:
    """Work out the due times of all open cases anew. Closed cases keep theirs."""
    last: str | None = ""
    while last is not None:
        last = db.write(functools.partial(_reschedule_some, last))


def forget_empty(payload: dict[str, Any], now: datetime) -> None:
    """Delete the cases whose last answer is gone, with all that was noted in them."""
    left = FollowUpResponse.select().where(FollowUpResponse.follow_up == FollowUp.id)
    empty = ~peewee.fn.EXISTS(left)
    # Rarely so: writers are not to wait for each erasure.
    if FollowUp.select().where(empty).exists():
        db.write(FollowUp.delete().where(empty).execute)


def forget_words(letter_id: str) -> None:
    """Drop the customers' own words to letters from every case. What they chose, and when, stays."""
    if db.on_sqlite():
        names = peewee.fn.INSTR(FollowUp.history, letter_id) > 0
    else:
        names = FollowUp.history.contains([{"letter": letter_id}])
    found: Any = FollowUp.select(FollowUp.id).where(names).tuples()
    for (case_id,) in list(found):
        db.write(functools.partial(_forget_words, case_id, letter_id))


def is_owed(now: datetime) -> Any:
    """The condition of what is overdue: open, and its answer or its solution is owed since before `now`."""
    unanswered = FollowUp.first_answer_at.is_null() & _is_before(FollowUp.answer_due_at, now)
    return FollowUp.closed_at.is_null() & (unanswered | _is_before(FollowUp.solve_due_at, now))


def owes(case: FollowUp, now: datetime) -> bool:
    """`is_owed` of a case that is at hand."""
    unanswered = case.first_answer_at is None and case.answer_due_at is not None and case.answer_due_at < now
    unsolved = case.solve_due_at is not None and case.solve_due_at < now
    return case.closed_at is None and (unanswered or unsolved)


def redacts(case_id: str) -> bool:
    """Whether a survey of the case's answers hides addresses and numbers in what customers write."""
    return case_id in _redacting([case_id])


@dataclass(frozen=True, slots=True)
class Clock:
    """When something is owed, why then, and whether it is overdue; `at` is None where nothing was promised."""

    at: datetime | None
    why: str | None
    overdue: bool


@dataclass(frozen=True, slots=True)
class Due:
    """The two clocks of a case."""

    answer: Clock
    solved: Clock


@dataclass(frozen=True, slots=True)
class CaseReport:
    """A case: whose it is, by when what is owed, and what was done.

    `responses`: the ids of its answers, the first first, which is `response`. `history`: lines as they are kept.
    """

    id: str
    response: str | None
    person: str | None
    rule: str
    status: str
    priority: int
    responses: Sequence[str]
    owner: str | None
    due: Due
    opened_at: datetime
    first_answer_at: datetime | None
    closed_at: datetime | None
    reason: str | None
    steps: Sequence[str]
    history: Sequence[Mapping[str, Any]]


def shown(
    cases: Sequence[FollowUp], surveys: list[str] | None, now: datetime, zone: ZoneInfo | None = None
) -> list[CaseReport]:
    """What is told of cases. `surveys`: the only ones whose answers may be seen. `zone`: by whose clock it is told why
    something is due; None: by that of the opening hours.
    """
    case_ids = [case.id for case in cases]
    answers, redacting = _answers(case_ids, surveys), _redacting(case_ids)
    promise = hours.promise() if zone is not None else None
    if promise is not None and promise.hours.zone != zone:
        for case in cases:
            _retell(case, promise, zone)
    return [_report(case, answers.get(case.id, []), case.id in redacting, now) for case in cases]


# ------------------------------------------------------------------------------------------------------


_response = db.Lookup(Response.key, lock=True)
_locked = db.Lookup(FollowUp.id, lock=True)


def _is_before(column: Any, now: datetime) -> Any:
    """The condition is never null, so that it can be negated."""
    return column.is_null(False) & (column < now)


def _hold(row: Response) -> list[str]:
    """Let nobody else open a case for this answer or its person meanwhile; the rows of the person."""
    if row.person_id is None:
        db.serialise(f"follow-up {row.key}")
        return []
    return _hold_person(row.person_id)


def _hold_person(person_id: str) -> list[str]:
    person = Person.get_by_id(person_id)
    db.serialise(f"follow-up {person.id}")
    known = people.hold(people.identity_of(person)) if person.verified else []
    return list({person.id, *(each.id for each in known)})


def _lapse(case_id: str, asked_before: datetime, now: datetime) -> bool:
    row = _locked(case_id)
    if row is None or row.status != ASKED or row.asked_at > asked_before:
        return False
    _set(row, UNCONFIRMED, now)
    _note(row, now, None, {"status": UNCONFIRMED})
    _save(row, now, moved=True)
    return True


def _move(row: FollowUp, given: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Put a case into another state, or refuse to; what that changed."""
    status, reason = given.get("status", row.status), given.get("reason", row.reason)
    if "status" in given and status in (SOLVED, UNCONFIRMED):
        raise Refused("Only the customer says whether it is solved: ask, or give up with a reason.", "status")
    if given.get("reason") is not None and status != GIVEN_UP:
        raise Refused("Goes with the status given_up alone.", "reason")
    if status == row.status and reason == row.reason:
        return {}
    if status == GIVEN_UP:
        missing = [name for name, value in (("reason", reason), ("note", given.get("note"))) if not value]
        if missing:
            raise Refused("Say why it is given up: a reason, and a sentence of your own.", *missing)
    elif row.status == SOLVED:
        raise Clash("The customer said that it is solved; another answer opens another case.", "status")
    elif row.closed_at is not None:
        _reopen(row, now)
    done = {"status": status} if status != row.status else {}
    _set(row, status, now)
    row.reason = reason if status == GIVEN_UP else None
    return done | ({"reason": row.reason} if row.reason else {})


def _reopen(row: FollowUp, now: datetime) -> None:
    """Raises Clash where the person has another open case by now."""
    if row.person_id is not None:
        mine = FollowUp.person.in_(_hold_person(row.person_id))
        if FollowUp.select().where(mine, FollowUp.closed_at.is_null()).exists():
            raise Clash("The person has another open case by now.", "status")
    # What was closed stood still.
    row.waits = [*row.waits, [clock.stamp(row.closed_at), clock.stamp(now)]]


def _set(row: FollowUp, status: str, now: datetime) -> None:
    """The state and what follows from it: clocks, and when it was answered, asked and closed."""
    stood = row.status in STANDING and row.closed_at is None
    stands = status in STANDING
    if stands and not stood:
        row.waits = [*row.waits, [clock.stamp(now), None]]
        row.first_answer_at = row.first_answer_at or now
    elif stood and not stands:
        row.waits = [*row.waits[:-1], [row.waits[-1][0], clock.stamp(now)]]
    if status != row.status:
        row.asked_at = now if status == ASKED else None
    row.status = status
    # The clock runs again at the end of a wait, also where that closes the case: else nobody knows when it was due.
    if status not in CLOSED or (stood and not stands):
        _schedule(row, hours.promise())
    row.closed_at = (row.closed_at or now) if status in CLOSED else None


def _schedule(row: FollowUp, promise: Promise) -> bool:
    """Work out the due times of an open case; whether one changed. An answer that was given is no longer due."""
    before = [row.answer_due_at, row.answer_why, row.solve_due_at, row.solve_why]
    spans = _spans(row)
    if row.first_answer_at is None:
        answer = due(promise.hours, row.opened_at, promise.answer, spans)
        row.answer_due_at, row.answer_why = answer.at, answer.why
    solve = due(promise.hours, row.opened_at, promise.solve, spans)
    row.solve_due_at, row.solve_why = solve.at, solve.why
    return before != [row.answer_due_at, row.answer_why, row.solve_due_at, row.solve_why]


def _retell(row: FollowUp, promise: Promise, zone: ZoneInfo | None) -> None:
    """Tell by another clock why something is due, where it still is by what the team promises now. Nothing is saved."""
    spans = _spans(row)
    answer = due(promise.hours, row.opened_at, promise.answer, spans, zone)
    if answer.at == row.answer_due_at:
        row.answer_why = answer.why
    solve = due(promise.hours, row.opened_at, promise.solve, spans, zone)
    if solve.at == row.solve_due_at:
        row.solve_why = solve.why


def _spans(row: FollowUp) -> list[Span]:
    """The times in which the team waited for the customer."""
    return [
        (datetime.fromisoformat(begun), datetime.fromisoformat(ended) if ended else None)
        for begun, ended in row.waits
    ]


def _measure(row: FollowUp, promise: Promise | None = None) -> None:
    """Keep how long the first answer and the solution took, as soon as there is one."""
    ends = {
        "answer_hours": row.first_answer_at,
        "solve_hours": row.closed_at if row.status == SOLVED else None,
    }
    for name, end in ends.items():
        if end is None:
            setattr(row, name, None)
        elif getattr(row, name) is None:
            promise = promise or hours.promise()
            took = elapsed(promise.hours, row.opened_at, end, _spans(row))
            setattr(row, name, took / timedelta(hours=1))


def _measure_some() -> int:
    """Measure AT_ONCE cases; how many there were."""
    answered = FollowUp.first_answer_at.is_null(False) & FollowUp.answer_hours.is_null()
    solved = (FollowUp.status == SOLVED) & FollowUp.solve_hours.is_null()
    query = FollowUp.select().where(answered | solved).order_by(FollowUp.id).limit(AT_ONCE)
    rows = list(query if db.on_sqlite() else query.for_update())
    promise = hours.promise()
    for row in rows:
        _measure(row, promise)
        row.save(only=[FollowUp.answer_hours, FollowUp.solve_hours])
    return len(rows)


def _reschedule_some(after: str) -> str | None:
    """The next AT_ONCE open cases after an id; the last one's, None at the end."""
    promise = hours.promise()
    query = FollowUp.select().where(FollowUp.closed_at.is_null(), FollowUp.id > after)
    query = query.order_by(FollowUp.id).limit(AT_ONCE)
    rows = list(query if db.on_sqlite() else query.for_update())
    for row in rows:
        if _schedule(row, promise):
            row.save(only=_DUE)
    return rows[-1].id if len(rows) == AT_ONCE else None


_DUE = [FollowUp.answer_due_at, FollowUp.answer_why, FollowUp.solve_due_at, FollowUp.solve_why]


def _note(
    row: FollowUp, now: datetime, caller: Caller | None, what: Mapping[str, Any], note: str | None = None
) -> None:
    by = {"id": caller.id, "name": caller.name} if caller is not None else None
    row.history = [
        *row.history,
        {"at": clock.stamp(now), "by": by, **what, **({"note": note} if note else {})},
    ]


def _forget_words(case_id: str, letter_id: str) -> None:
    row = _locked(case_id)
    if row is None:
        return
    row.history = [
        {name: value for name, value in line.items() if name != "note"}
        if line.get("letter") == letter_id
        else line
        for line in row.history
    ]
    row.save(only=[FollowUp.history])


def _last_words(row: FollowUp) -> dict[str | None, str]:
    """What the customer last said to each letter. Which letter it was, earlier versions did not note: it was the one
    that was answered next."""
    last: dict[str | None, str] = {}
    for line in row.history:
        if "said" in line:
            last.pop(None, None)
            last[line.get("letter")] = line["said"]
    return last


def _answered(row: FollowUp) -> list[datetime]:
    """When somebody answered without a letter: they said by hand that the team waits for the customer."""
    by_hand = [line for line in row.history if line.get("status") in STANDING and "mailed" not in line]
    return [datetime.fromisoformat(line["at"]) for line in by_hand]


def _save(row: FollowUp, now: datetime, moved: bool, touch: bool = False) -> None:
    """`moved`: it is in another state now; `touch`: its answers changed for their readers, whatever its state."""
    _measure(row)
    row.save()
    if moved and row.status in CLOSED:
        tell(row, ENDED, now)
    if moved or touch:
        mine: Any = FollowUpResponse.select(FollowUpResponse.response).where(
            FollowUpResponse.follow_up == row.id
        )
        responses.touch_all([key for (key,) in mine.tuples()], now)


def _answers(case_ids: Collection[str], surveys: list[str] | None) -> dict[str, list[str]]:
    """The ids of each case's answers, those that opened it first."""
    query: Any = (
        FollowUpResponse.select(FollowUpResponse.follow_up, Response.id)
        .join(Response, on=(Response.key == FollowUpResponse.response))
        .where(FollowUpResponse.follow_up.in_(list(case_ids)))
        .order_by(FollowUpResponse.joined_at, Response.key)
    )
    if surveys is not None:
        query = query.where(Response.survey.in_(surveys))
    found: dict[str, list[str]] = {}
    for case_id, response_id in query.tuples():
        found.setdefault(case_id, []).append(response_id)
    return found


def _redacting(case_ids: Collection[str]) -> set[str]:
    """Those of some cases that hold an answer to a survey that redacts."""
    query: Any = (
        FollowUpResponse.select(FollowUpResponse.follow_up)
        .join(Response, on=(Response.key == FollowUpResponse.response))
        .join(Survey)
        .where(FollowUpResponse.follow_up.in_(list(case_ids)), Survey.redact)
    )
    return {case_id for (case_id,) in query.tuples()}


def _report(case: FollowUp, answers: list[str], is_redacted: bool, now: datetime) -> CaseReport:
    def clock_of(at: datetime | None, why: str | None, still: bool) -> Clock:
        return Clock(at, why, still and at is not None and at < now)

    owed = case.closed_at is None
    history = case.history
    if is_redacted:
        # The customer's own words; what the team notes is its own business.
        history = [
            {**line, "note": redaction.redact(line["note"])} if "said" in line and "note" in line else line
            for line in case.history
        ]
    return CaseReport(
        id=case.id,
        response=answers[0] if answers else None,
        person=case.person_id,
        rule=case.rule,
        status=case.status,
        priority=case.priority,
        responses=answers,
        owner=case.owner,
        due=Due(
            clock_of(case.answer_due_at, case.answer_why, owed and case.first_answer_at is None),
            clock_of(case.solve_due_at, case.solve_why, owed),
        ),
        opened_at=case.opened_at,
        first_answer_at=case.first_answer_at,
        closed_at=case.closed_at,
        reason=case.reason,
        steps=case.steps,
        history=history,
    )
