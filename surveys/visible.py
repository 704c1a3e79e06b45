"""What a caller may see. What is not there and what is not theirs look alike.

A table says what of it belongs to some surveys by a foreign key `survey`, or by a class method `seen_by(caller)` that
gives the condition of a statement.
"""

import functools
from collections.abc import Iterable
from typing import Any, TypeVar

from surveys.base import db
from surveys.base.accounts.caller import Caller
from surveys.base.db import Table
from surveys.base.errors import Forbidden, Missing, Refused
from surveys.models import Survey

Row = TypeVar("Row", bound=Table)


def surveys(caller: Caller) -> Any:
    """A query of the surveys that the caller may see."""
    return narrowed(Survey.select(), caller)


def narrowed(query: Any, caller: Caller) -> Any:
    """`query` without the rows that the caller may not see."""
    return query if caller.surveys is None else query.where(_condition(query.model, caller))


def own(table: type[Row], row_id: str, caller: Caller, field: str | None = None) -> Row:
    """The row with this id. Raises Missing when there is none that the caller may see.

    `field`: what of the body or query names the row; then it raises Refused, which names the field too.
    """
    return _shown(_by_id(table)(row_id), caller, field)


def shown(row: Row | None, caller: Caller) -> Row:
    """A row that was looked up. Raises Missing when there is none, or the caller may not see it."""
    return _shown(row, caller, None)


def sees(row: Table, caller: Caller) -> bool:
    """Whether the caller may see a row."""
    if caller.surveys is None:
        return True
    table: Any = type(row)
    if hasattr(table, "seen_by"):
        return table.select().where(table._meta.primary_key == row, table.seen_by(caller)).exists()
    survey_id = row.id if isinstance(row, Survey) else row.__data__["survey"]
    return survey_id in caller.surveys


def only(caller: Caller) -> list[str] | None:
    """The surveys that a statement is to be kept to on behalf of the caller; None for no such bounds."""
    return None if caller.surveys is None else sorted(caller.surveys)


def all_of(survey_ids: Iterable[str] | None, caller: Caller) -> bool:
    """Whether the caller may see all of these surveys; None stands for every survey there is."""
    return caller.surveys is None or (survey_ids is not None and caller.surveys.issuperset(survey_ids))


def demand_all(caller: Caller, why: str) -> None:
    """Raises Forbidden, saying `why`, for a caller who may see only some surveys."""
    if not all_of(None, caller):
        raise Forbidden(why)


# ------------------------------------------------------------------------------------------------------


def _shown(row: Row | None, caller: Caller, field: str | None) -> Row:
    if row is not None and sees(row, caller):
        return row
    if field is None:
        raise Missing
    raise Refused(f"There is no such {field.rpartition('.')[2]}.", field)


def _condition(table: Any, caller: Caller) -> Any:
    if table is Survey:
        return Survey.id.in_(only(caller))
    return table.seen_by(caller) if hasattr(table, "seen_by") else table.survey.in_(only(caller))


@functools.cache
def _by_id(table: type[Table]) -> db.Lookup:
    """Put together once: the first thing that a trigger does."""
    return db.Lookup(table.id)  # type: ignore[attr-defined]
