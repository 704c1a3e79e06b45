"""People who may be lost: reasons that anybody can look at, kept beside the people and looked at anew every hour.

Each row that a person goes by stands for itself.
"""

import functools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import peewee
from peewee import fn

from feedback.domain import lost as domain
from feedback.domain.follow_ups import OPEN, UNCONFIRMED
from feedback.domain.lost import POINTS, Said, Survival
from feedback.models import FollowUp, FollowUpResponse, LostLook, LostSign, Reading
from feedback.segments import as_text
from surveys import daily_counts, tombstones
from surveys.base import clock, db, worker
from surveys.base.clock import microseconds
from surveys.base.lately import Lately
from surveys.domain import schedule
from surveys.domain.metrics import METRICS
from surveys.models import Invitation, Person, Response, Survey

#: Reasons older than this tell of somebody else.
DAYS = 180

#: People who are looked at in one go, and rows that are read in one to find out who these are.
AT_ONCE, PAGE = 200, 1000

#: Whoever spoke so lately is looked at anew in this hour; all others in the night.
LATELY = timedelta(hours=3)

#: So long an ask may still be answered.
PATIENCE = timedelta(days=14)

#: The property of a person that says on which day they left.
LEFT_ON = "left_on"

#: After so many days it is told who is still there.
MARKS = (30, 90, 180, 365)

#: People of whom it is worked out how long customers stay, and how often: all who ever answered are looked through.
MOST, FRESH = 50_000, timedelta(minutes=10)

#: How long they stay, by the surveys that are looked at.
STAYS = Lately(FRESH, 100)


@dataclass(frozen=True)
class Reason:
    """Why somebody may be lost: `response` is what it was seen in, `follow_up` the case that is meant."""

    kind: str
    points: int
    at: datetime
    response: str
    follow_up: str | None


@dataclass(frozen=True)
class Lost:
    """Somebody who may be lost, and why."""

    person: Person
    points: int
    reasons: Sequence[Reason]


@dataclass(frozen=True)
class Stays:
    """People whose first answer was of a `group` (low, middle, high): how many, how many `left`, and the share of them
    that was still there after MARKS."""

    group: str
    n: int
    left: int
    stay: Sequence[Survival]


def listed(
    surveys: Sequence[str] | None, limit: int, after: tuple[int, str] | None = None
) -> tuple[list[Lost], tuple[int, str] | None]:
    """People with the most points first, by what was said to `surveys` alone (None: to all); and where to go on.

    `after`: points and id of the last person of the page before.
    """
    each: Any = LostSign.select(
        LostSign.person.alias("person"), LostSign.kind, fn.MAX(LostSign.points).alias("points")
    )
    if surveys is not None:
        each = each.where(LostSign.survey.in_(list(surveys)))
    # A reason that was seen in several surveys is one.
    each = each.group_by(LostSign.person, LostSign.kind).alias("each")
    person, points = each.c.person, fn.SUM(each.c.points)
    query: Any = peewee.Select([each], [person, points]).group_by(person).bind(db.database)
    if after is not None:
        query = query.having((points < after[0]) | ((points == after[0]) & (person > after[1])))
    rows = list(query.order_by(points.desc(), person).limit(limit + 1).tuples())
    following = (int(rows[limit - 1][1]), rows[limit - 1][0]) if len(rows) > limit else None
    ids = [person_id for person_id, _ in rows[:limit]]
    people = {row.id: row for row in Person.select().where(Person.id.in_(ids))}
    reasons = _reasons(ids, surveys)
    found = [
        Lost(people[person_id], int(n), reasons.get(person_id, []))
        for person_id, n in rows[:limit]
        if person_id in people
    ]
    return found, following


def hourly(now: datetime) -> None:
    """Look at those anew who spoke lately, and at all with a case, beside the worker's other work; at everybody where
    that was never done.
    """
    worker.beside(lambda: (look_lately if looked_at() else look_at_all)(now), "lost")


def nightly(now: datetime) -> None:
    """Look at all anew who may have a reason, beside the worker's other work."""
    worker.beside(lambda: look_at_all(now), "lost")


def look_lately(now: datetime) -> int:
    """Look at those anew who spoke lately, and at all with a case; how many reasons changed."""
    begin = microseconds(now - LATELY)
    spoke = Response.select(Response.key, Response.person)
    spoke = spoke.where(Response.key >= begin, Response.person.is_null(False))
    with_case = FollowUp.select(FollowUp.person).where(_case_tells(now), FollowUp.person.is_null(False))
    # Such a reason may be over without an answer of theirs.
    known = LostSign.select(LostSign.person).where(LostSign.kind.in_((domain.FOLLOW_UP, domain.NOT_YET)))
    changed = 0
    for rows, column in (
        (spoke, Response.key),
        (with_case.distinct(), FollowUp.person),
        (known.distinct(), LostSign.person),
    ):
        for page in _pages(rows, column):
            changed += _look({row[-1] for row in page}, now)
    return changed


def look_at_all(now: datetime) -> int:
    """Look at all anew who may have a reason; how many reasons changed."""
    pages = _pages(Person.select(Person.id), Person.id)
    changed = sum(_look(_may_have_a_reason([person for (person,) in page], now), now) for page in pages)
    row = LostLook.insert(id=1, at=now)
    db.write(row.on_conflict(conflict_target=[LostLook.id], update={"at": now}).execute)
    return changed


def looked_at() -> datetime | None:
    """When everybody was last looked at; None: never, so that nothing is known of who did not speak lately."""
    row = LostLook.get_or_none(LostLook.id == 1)
    return row.at if row is not None else None


def address(reason: Reason) -> str:
    """The team's page of what a reason was seen in."""
    if reason.follow_up is not None:
        return f"/team/follow-ups/{reason.follow_up}"
    return f"/team/feed/{reason.response}"


def stays(surveys: Sequence[str] | None, now: datetime) -> list[Stays]:
    """How long customers stay after their first answer to `surveys` (None: to any), by its group, as worked out in the
    last FRESH; anew when somebody was erased.

    Nothing where none of them has a day as property LEFT_ON. Of more than MOST people, those count whose first answer
    came last.
    """
    key = (None if surveys is None else tuple(sorted(surveys)), tombstones.count())
    found: list[Stays] = STAYS.of(key, now, lambda: _stays(surveys, now))
    return found


# ------------------------------------------------------------------------------------------------------


def _stays(surveys: Sequence[str] | None, now: datetime) -> list[Stays]:
    if not Person.select().where(as_text(Person.properties, LEFT_ON).is_null(False)).exists():
        return []
    metrics = {row.id: METRICS[row.metric] for row in Survey.select()}
    today = schedule.day_of(now, daily_counts.time_zone())
    found: dict[str, list[tuple[int, bool]]] = {"low": [], "middle": [], "high": []}
    is_known = False
    for survey, group, day, left_on in _first_answers(surveys):
        since, left = date.fromisoformat(day), _day(left_on)
        is_known = is_known or left is not None
        if left is None or left >= since:
            has_left = left is not None and left <= today
            until = left if left is not None and has_left else today
            found[metrics[survey].tone_of(group)].append(((until - since).days, has_left))
    if not is_known:
        return []
    return [
        Stays(tone, len(each), sum(has_left for _, has_left in each), domain.survival(each, MARKS))
        for tone, each in found.items()
        if each
    ]


def _reasons(person_ids: Sequence[str], surveys: Sequence[str] | None) -> dict[str, list[Reason]]:
    query: Any = (
        LostSign.select(
            LostSign.person,
            LostSign.kind,
            LostSign.points,
            LostSign.at,
            Response.id,
            FollowUpResponse.follow_up,
        )
        .join(Response, on=(Response.key == LostSign.response))
        .left_outer_join(FollowUpResponse, on=(FollowUpResponse.response == Response.key))
        .where(LostSign.person.in_(list(person_ids)))
        .order_by(LostSign.points.desc(), LostSign.kind, LostSign.at.desc(), LostSign.response.desc())
    )
    if surveys is not None:
        query = query.where(LostSign.survey.in_(list(surveys)))
    found: dict[str, dict[str, Reason]] = {}
    for person, kind, points, at, response, case in query.tuples():
        is_case = kind in (domain.FOLLOW_UP, domain.NOT_YET)
        # Of several surveys, the one that it was seen in last.
        found.setdefault(person, {}).setdefault(
            kind, Reason(kind, points, at, response, case if is_case else None)
        )
    return {person: list(reasons.values()) for person, reasons in found.items()}


def _speaks_of_leaving() -> Any:
    return fn.EXISTS(Reading.select().where(Reading.key == Response.key, Reading.leaves))


def _case_tells(now: datetime) -> Any:
    lately = FollowUp.closed_at >= now - timedelta(days=DAYS)
    return FollowUp.status.in_(OPEN) | ((FollowUp.status == UNCONFIRMED) & lately)


def _pages(rows: Any, column: Any) -> Iterator[list[Any]]:
    """The rows of a query, PAGE at a time, in the order of a column, which comes first in each and is in no two."""
    query = rows.order_by(column).limit(PAGE)
    page = list(query.tuples())
    while page:
        yield page
        page = list(query.where(column > page[-1][0]).tuples()) if len(page) == PAGE else []


def _may_have_a_reason(person_ids: Sequence[str], now: datetime) -> set[str]:
    """Those of some people who have one so far, or did what may be one."""
    spoke = Response.select(Response.person).where(
        Response.person.in_(person_ids),
        Response.key >= microseconds(now - timedelta(days=DAYS)),
        Response.counted | _speaks_of_leaving(),
    )
    asked = (
        Invitation.select(Invitation.person)
        .join(Person, on=(Person.id == Invitation.person))
        .where(Invitation.person.in_(person_ids), _is_ignored(now), Person.last_answered_at.is_null(False))
        .group_by(Invitation.person)
        .having(fn.COUNT(Invitation.id) >= domain.UNANSWERED)
    )
    with_case = FollowUp.select(FollowUp.person).where(FollowUp.person.in_(person_ids), _case_tells(now))
    known = LostSign.select(LostSign.person).where(LostSign.person.in_(person_ids))
    queries: tuple[Any, ...] = (spoke.distinct(), asked, with_case.distinct(), known.distinct())
    return {person for query in queries for (person,) in query.tuples()}


def _is_ignored(now: datetime) -> Any:
    """The condition of asks that were not answered while they might have been."""
    return (
        (Invitation.sent_at >= now - timedelta(days=DAYS))
        & (Invitation.sent_at <= now - PATIENCE)
        & Invitation.answered_at.is_null()
        & ~Invitation.unverified
    )


def _ignored(person_ids: Sequence[str], now: datetime) -> dict[str, list[tuple[str, int]]]:
    """The asks that some people did not answer: of each its survey, and its moment as a key."""
    rows: Any = Invitation.select(Invitation.person, Invitation.survey, Invitation.sent_at)
    rows = rows.where(Invitation.person.in_(person_ids), _is_ignored(now))
    found: dict[str, list[tuple[str, int]]] = {}
    for person, survey, sent_at in rows.tuples():
        found.setdefault(person, []).append((survey, microseconds(sent_at)))
    return found


def _look(person_ids: Collection[str], now: datetime) -> int:
    changed, ids = 0, sorted(person_ids)
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        changed += db.write(functools.partial(_replace, some, _signs(some, now)))
    return changed


#: What a reason is known by: its person, kind and survey; the response that it was seen in, and when.
_Signs = dict[tuple[str, str, str], tuple[int, datetime]]


def _signs(person_ids: Sequence[str], now: datetime) -> _Signs:
    begin = now - timedelta(days=DAYS)
    metrics = {row.id: METRICS[row.metric] for row in Survey.select()}
    rows: Any = (
        Response.select(
            Response.person, Response.key, Response.survey, Response.score, Response.group, Response.counted
        )
        .where(Response.person.in_(person_ids), ~Response.test)
        .order_by(Response.key.desc())
        .tuples()
    )
    answers: dict[str, list[Said]] = {}
    last: dict[str, dict[str, int]] = {}
    for person, key, survey, score, group, counted in rows:
        last.setdefault(person, {}).setdefault(survey, key)
        if counted:
            answers.setdefault(person, []).append(Said(key, survey, score, metrics[survey].tone_of(group)))
    found: _Signs = {}
    for person, mine in answers.items():
        for kind, seen in (
            (domain.FELL, domain.fell(mine)),
            (domain.UNHAPPY_TWICE, domain.unhappy_twice(mine)),
        ):
            for said in seen:
                if said.key >= microseconds(begin):
                    found[person, kind, said.survey] = (said.key, clock.moment(said.key))
    for person, asks in _ignored(person_ids, now).items():
        known = last.get(person, {})
        for survey, moment in domain.silent(known, asks).items():
            found[person, domain.SILENT, survey] = (known[survey], clock.moment(moment))
    for person, survey, key in _leaving(person_ids, begin):
        found[person, domain.LEAVING, survey] = (key, clock.moment(key))
    for person, kind, survey, key, at in _cases(person_ids, now):
        found[person, kind, survey] = (key, at)
    return found


def _leaving(person_ids: Sequence[str], begin: datetime) -> list[tuple[str, str, int]]:
    rows: Any = (
        Response.select(Response.person, Response.survey, fn.MAX(Response.key))
        .join(Reading, on=(Reading.key == Response.key))
        .where(
            Response.person.in_(person_ids),
            Response.key >= microseconds(begin),
            Reading.leaves,
            ~Response.test,
            ~Response.excluded,
        )
        .group_by(Response.person, Response.survey)
    )
    return list(rows.tuples())


def _cases(person_ids: Sequence[str], now: datetime) -> list[tuple[str, str, str, int, datetime]]:
    """Cases that stand open or ended without a word, once for each survey of their answers: the person, the reason, the
    survey, its first answer, and when."""
    rows: Any = (
        FollowUp.select(
            FollowUp.person,
            FollowUp.priority,
            FollowUp.opened_at,
            FollowUp.closed_at,
            FollowUp.history,
            Response.survey,
            fn.MIN(Response.key),
        )
        .join(FollowUpResponse, on=(FollowUpResponse.follow_up == FollowUp.id))
        .join(Response, on=(Response.key == FollowUpResponse.response))
        .where(FollowUp.person.in_(person_ids), _case_tells(now))
        .group_by(FollowUp.id, Response.survey)
        .order_by(FollowUp.opened_at)
        .tuples()
    )
    found = []
    for person, priority, opened_at, closed_at, history, survey, key in rows:
        found.append((person, domain.FOLLOW_UP, survey, key, closed_at or opened_at))
        if priority and closed_at is None:
            said = [line["at"] for line in history if line.get("said") == "not_yet"]
            at = datetime.fromisoformat(said[-1]) if said else opened_at
            found.append((person, domain.NOT_YET, survey, key, at))
    return found


def _replace(person_ids: Sequence[str], signs: _Signs) -> int:
    """Keep what was found of some people in the place of what was known; how many reasons changed."""
    known = {
        (row.person_id, row.kind, row.survey_id): row
        for row in LostSign.select().where(LostSign.person.in_(person_ids))
    }
    over = [row for name, row in known.items() if name not in signs]
    for each in over:
        each.delete_instance()
    there = _standing([key for key, _ in signs.values()])
    changed = len(over)
    for (person, kind, survey), (key, at) in signs.items():
        row = known.get((person, kind, survey))
        if key not in there or (
            row is not None and (row.response_key, row.at, row.points) == (key, at, POINTS[kind])
        ):
            continue
        values = {"response": key, "at": at, "points": POINTS[kind]}
        LostSign.insert(person=person, kind=kind, survey=survey, **values).on_conflict(
            conflict_target=[LostSign.person, LostSign.kind, LostSign.survey], update=values
        ).execute()
        changed += 1
    return changed


def _standing(keys: Sequence[int]) -> set[int]:
    rows: Any = Response.select(Response.key).where(Response.key.in_(list(keys)))
    return {key for (key,) in rows.tuples()}


def _first_answers(surveys: Sequence[str] | None) -> Any:
    """Survey, group and day of the first answer of each person, and their property LEFT_ON as text."""
    each = Response.alias()
    first = each.select(fn.MIN(each.key).alias("key")).where(each.counted, each.person.is_null(False))
    if surveys is not None:
        first = first.where(each.survey.in_(list(surveys)))
    first = first.group_by(each.person).order_by(fn.MIN(each.key).desc()).limit(MOST).alias("first")
    rows: Any = Response.select(
        Response.survey, Response.group, Response.day, as_text(Person.properties, LEFT_ON)
    )
    rows = rows.join(first, on=(first.c.key == Response.key))
    return rows.join(Person, on=(Person.id == Response.person), src=Response).tuples()


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError:
        return None
