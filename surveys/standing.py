"""How surveys are doing: what came in, when last, and what somebody should look at."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import peewee
from peewee import fn

from surveys import refused_origins
from surveys.models import Connection, DailyCount, Invitation, Response, Survey, Trigger
from surveys.refused_origins import Refused

#: What happened so lately is worth a look.
LATELY = timedelta(days=7)

#: A survey that asked before, and asked nobody and heard nobody for so long, may be broken.
QUIET = timedelta(days=21)

#: What a mail comes to that did not arrive.
FAILED = ("failed", "unknown")


@dataclass(frozen=True)
class Standing:
    """How one survey is doing. `answers`: those in its value; `refused`: websites that were refused of late.

    `failing`: mails of late that could not be sent; `quiet`: it was at work once, and nothing happened for `QUIET`;
    `testing`: it is in test mode, in which no answer counts that begins.
    """

    answers: int = 0
    newest: datetime | None = None
    refused: list[Refused] = field(default_factory=list)
    failing: int = 0
    quiet: bool = False
    testing: bool = False


@dataclass(frozen=True)
class LastCall:
    """What a connection's helpdesk said last."""

    trigger: Trigger
    calls: int


def of(surveys: Sequence[Survey], now: datetime) -> dict[str, Standing]:
    """The standing of each survey, by its id."""
    ids = [survey.id for survey in surveys]
    since = now - LATELY
    counted: Any = DailyCount.select(DailyCount.survey, fn.SUM(DailyCount.n)).where(
        DailyCount.survey.in_(ids)
    )
    answers = {id_: int(n) for id_, n in counted.group_by(DailyCount.survey).tuples()}
    failing = _by_survey(
        Invitation.select(Invitation.survey, fn.COUNT(Invitation.id)).where(
            Invitation.survey.in_(ids), Invitation.status.in_(FAILED), Invitation.created_at >= since
        )
    )
    refused = refused_origins.of(surveys)
    last_times = _last_times(ids)
    found = {}
    for survey in surveys:
        newest, asked = last_times[survey.id]
        last = max((at for at in (newest, asked) if at), default=None)
        found[survey.id] = Standing(
            answers.get(survey.id, 0),
            newest,
            [each for each in refused[survey.id] if each.last_at >= since],
            failing.get(survey.id, 0),
            survey.status == "active" and last is not None and last < now - QUIET,
            survey.test_mode,
        )
    return found


def last_calls(connections: Sequence[Connection], now: datetime) -> dict[str, LastCall]:
    """The last receipt of each connection, and how many calls it made of late; those that never called are left out."""
    ids = [row.id for row in connections]
    # By the survey's index: a connection's receipts are among those of its survey.
    newest = (
        Trigger.select(Trigger.id)
        .where(Trigger.survey == Connection.survey, Trigger.connection_id == Connection.id)
        .order_by(Trigger.created_at.desc(), Trigger.id.desc())
        .limit(1)
    )
    last = Connection.select(newest).where(Connection.id.in_(ids))
    counted: Any = Trigger.select(Trigger.connection_id, fn.COUNT(Trigger.id)).where(
        Trigger.connection_id.in_(ids), Trigger.created_at >= now - LATELY
    )
    calls = dict(counted.group_by(Trigger.connection_id).tuples())
    return {
        row.connection_id or "": LastCall(row, calls.get(row.connection_id, 0))
        for row in Trigger.select().where(Trigger.id.in_(last))
    }


# ------------------------------------------------------------------------------------------------------


def _by_survey(query: Any) -> dict[str, int]:
    return dict(query.group_by(Invitation.survey).tuples())


def _last_times(ids: Sequence[str]) -> dict[str, tuple[datetime | None, datetime | None]]:
    """When each survey last heard somebody, and when it last asked: a step into an index each, in one statement."""
    # The order of keys is that of time, and their index ends at the newest. Asked for one survey's plainly, PostgreSQL
    # would walk all answers for a survey that has none.
    place = peewee.Tuple(Response.survey, Response.key)
    newest = (
        Response.select(Response.created_at)
        .where(place > peewee.Tuple(Survey.id, 0), place < peewee.Tuple(Survey.id, 2**62))
        .order_by(Response.survey.desc(), Response.key.desc())
        .limit(1)
    )
    asked = (
        Invitation.select(Invitation.sent_at)
        .where(Invitation.survey == Survey.id, Invitation.sent_at.is_null(False))
        .order_by(Invitation.sent_at.desc())
        .limit(1)
    )
    rows: Any = Survey.select(Survey.id, newest.alias("newest"), asked.alias("asked")).where(
        Survey.id.in_(ids)
    )
    return {id_: (_time(newest), _time(asked)) for id_, newest, asked in rows.tuples()}


def _time(stored: Any) -> datetime | None:
    """A time as Python has it: what stands in a column of no field comes as the driver gives it."""
    return Response.created_at.python_value(stored)
