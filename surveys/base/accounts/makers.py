"""What may leave on behalf of whoever made something: what they chose then, as far as they may see it today.

Saved views, rules, webhooks and digests go on by themselves, to people and machines who are asked nothing. So each is
held against its maker whenever something leaves: who is limited, gets another role or goes has no more sent than they
could read. What was handed to the service has no maker; it goes on with what was taken down then.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from surveys.base import db
from surveys.base.accounts.caller import Caller
from surveys.base.accounts.keys import ApiKey
from surveys.base.accounts.members import ROLES, Member
from surveys.base.errors import Clash, Missing

#: In the place of a maker's id, which no key and no member has: the thing is the service's.
SERVICE = ""

#: How the ids of members begin.
MEMBER = "mem_"

#: Why nothing leaves: its maker is not there any more; has a role that opens nothing of the kind; may see none of the
#: surveys that it is about.
GONE, ROLE, LIMITS = "maker_gone", "maker_role", "maker_limits"
REASONS = (GONE, ROLE, LIMITS)


@dataclass(frozen=True)
class Made:
    """Something that somebody made. `by`: the id of a key or a member, SERVICE for nobody.

    `surveys`: those that it was kept to when it was made, None for all. `about`: the one survey that it names, None
    where it names none. `scope`: what its makers must be allowed to. `reader`: the member whom it is for, who must be
    allowed to read it; None where that is nobody of the team.
    """

    by: str
    surveys: Sequence[str] | None
    scope: str
    about: str | None = None
    reader: str | None = None


class Thing(Protocol):
    """A row that was made by somebody and goes on by itself. `paused`: why nothing leaves, where that was looked up."""

    paused: str | None

    def made(self) -> Made:
        """Who made it, and with which bounds."""


@dataclass(frozen=True)
class Sight:
    """What may leave today: of these surveys, None for all. `paused`: why nothing may, None where something may."""

    surveys: list[str] | None
    paused: str | None = None


def sight(row: Thing, reader: str | None = None) -> Sight:
    """What may leave of one thing today, to a member where it is for one."""
    return _sights([row], [replace(row.made(), reader=reader) if reader else row.made()])[0]


def sights(rows: Sequence[Thing], readers: Sequence[str | None] | None = None) -> list[Sight]:
    """What may leave of each of these today, in at most two statements. Notes on each why nothing may.

    `readers`: the member whom each goes to, None for nobody of the team; else those that the rows name.
    """
    made = [row.made() for row in rows]
    if readers is not None:
        made = [replace(each, reader=reader) for each, reader in zip(made, readers, strict=True)]
    return _sights(rows, made)


def common(one: Sequence[str] | None, other: Iterable[str] | None) -> list[str] | None:
    """The surveys that are among both; None stands for all."""
    if one is None:
        return None if other is None else sorted(other)
    return sorted(one if other is None else set(one) & set(other))


def handed_over(row: Thing) -> list[str] | None:
    """The surveys that a thing is kept to from when it is the service's: no more than its maker may see by then.

    The role does not count: whoever hands it over wants it to go on. Where the maker is gone already nobody answers
    for it, and it is kept to nothing.
    """
    made = row.made()
    known = _callers({made.by}, also_revoked=True)
    return _kept(made, known) if made.by in {SERVICE, *known} else []


def narrowed(row: Thing) -> list[str] | None:
    """The surveys that its maker may see today of those that a thing is kept to, whatever their role.

    It is written down of what is left paused when its maker goes: nobody can look it up after that.
    """
    made = row.made()
    return _kept(made, _callers({made.by}, also_revoked=True))


def take_over(row: Any, caller: Caller, **more: Any) -> bool:
    """Somebody else answers for a thing (a row of a table) from now on; False where it is theirs already.

    `more`: what is written down with that. Raises Missing, and Clash where it may not be taken over.
    """
    table = type(row)

    def verb() -> bool:
        # What anybody may see stays as it is until this is written down.
        db.serialise("members")
        found = table.get_or_none(table.id == row.id)
        if found is None:
            raise Missing
        values = taken_over(found, caller)
        if values:
            table.update({**values, **more}).where(table.id == row.id).execute()
        return bool(values)

    return db.write(verb)


def taken_over(row: Thing, caller: Caller) -> dict[str, Any]:
    """What to write down where somebody else answers for a thing from now on: with no more than both may see.

    Whoever has its address already was shown no more than its maker could see. Empty where it is theirs already: it
    goes on by itself once they may see it again. Raises Clash for what is not paused, which ends with its maker, and
    where nothing would be left to tell.
    """
    made = row.made()
    if made.by == caller.id:
        return {}
    if sight(row).paused is None:
        raise Clash("It is not paused: whoever made it answers for it.")
    surveys = common(narrowed(row), caller.surveys)
    if _is_nothing(surveys, made.about):
        raise Clash(
            "Nothing would leave of it: it is about no survey that both you and whoever made it may see."
        )
    return {"made_by": caller.id, "surveys": surveys}


# ------------------------------------------------------------------------------------------------------


def _sights(rows: Sequence[Thing], made: Sequence[Made]) -> list[Sight]:
    known = _callers({id_ for each in made for id_ in (each.by, each.reader or SERVICE)})
    found = [_sight(each, known) for each in made]
    for row, each in zip(rows, found, strict=True):
        row.paused = each.paused
    return found


def _sight(made: Made, known: Mapping[str, Caller]) -> Sight:
    surveys = common(made.surveys, None)
    for id_, scope in ((made.by, made.scope), (made.reader or SERVICE, "read")):
        if id_ == SERVICE:
            continue
        caller = known.get(id_)
        if caller is None:
            return Sight([], GONE)
        if not caller.may(scope):
            return Sight([], ROLE)
        surveys = common(surveys, caller.surveys)
    return Sight([], LIMITS) if _is_nothing(surveys, made.about) else Sight(surveys)


def _is_nothing(surveys: Sequence[str] | None, about: str | None) -> bool:
    """Whether none of these is about one survey, or about any."""
    return surveys is not None and (not surveys or bool(about and about not in surveys))


def _kept(made: Made, known: Mapping[str, Caller]) -> list[str] | None:
    """The surveys of a thing that its maker may see, as far as the maker is known."""
    caller = known.get(made.by)
    return common(made.surveys, caller.surveys if caller is not None else None)


def _callers(ids: set[str], also_revoked: bool = False) -> dict[str, Caller]:
    """Keys and members as callers, by their ids."""
    wanted = sorted(ids - {SERVICE})
    of_members = [id_ for id_ in wanted if id_.startswith(MEMBER)]
    of_keys = [id_ for id_ in wanted if not id_.startswith(MEMBER)]
    found: dict[str, Caller] = {}
    if of_keys:
        keys: Any = ApiKey.select().where(ApiKey.id.in_(of_keys))
        if not also_revoked:
            keys = keys.where(ApiKey.revoked_at.is_null())
        found |= {row.id: row.caller() for row in keys}
    if of_members:
        for row in Member.select().where(Member.id.in_(of_members)):
            surveys = None if row.surveys is None else frozenset(row.surveys)
            found[row.id] = Caller(row.id, row.called, frozenset(ROLES[row.role]), surveys, row.id)
    return found
