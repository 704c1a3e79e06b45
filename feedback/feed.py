"""The feed: one query over responses, never a copy of them."""

import functools
import json
import operator
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import peewee
from peewee import JOIN, SQL, fn

from feedback import conditions, labels, segments, vectors
from feedback.domain import follow_ups, redaction
from feedback.item import Case, Deleted, Feeling, Item, Left, Mention, Named, Sentiment, Ticket, Who
from feedback.models import FollowUp, FollowUpResponse, Placement, Reading, Topic, Triage
from feedback.segments import SEGMENTS
from surveys.base import db
from surveys.base.clock import microseconds
from surveys.domain import folding
from surveys.domain.folding import Phrase
from surveys.models import Erased, Invitation, Person, Response, ResponseTag, Survey

#: How many of the newest answers PostgreSQL looks through for a word before it asks the index of words.
WALK = 10_000

#: Larger numbers of responses are told as "this many or more".
MOST_COUNTED = 2_000

ORDERS = ("desc", "asc", "changed")

#: Filters of the feed that compare one column with one value.
_EQUAL = {
    "survey": Response.survey,
    "metric": Survey.metric,
    "group": Response.group,
    "sentiment": Reading.label,
    "person": Response.person,
    **{name: SEGMENTS[name] for name in ("agent", "team", "channel", "ticket_channel", "touchpoint")},
}

#: What these look at never changes; so what they leave out is never told to a follower of changes.
_FIXED = ("survey", "metric", "since", "until")


T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """Items, and where the next page begins (`position`, None after the last)."""

    items: list[T]
    position: tuple[int, int] | None


def page(
    filters: Mapping[str, Any],
    limit: int,
    order: str = "desc",
    position: tuple[int, int] | None = None,
    surveys: list[str] | None = None,
) -> Page[Item]:
    """One page of the feed, as it is at one moment.

    `order`: "desc", newest first; "asc", in the order of first recordings, which can be followed for ever, because
    nothing that commits later can come before the returned position. `surveys`: the only ones the reader may see.
    With "desc", the filter `agent` may also be a tuple of ids: one member is known by several.
    """
    if order == "desc" and surveys is None and position is None and all(v is None for v in filters.values()):
        # PostgreSQL plans a statement without any value once. To plan this one takes it ten times as long as to run it.
        rows = _rows(_items().order_by(Response.key.desc()).limit(SQL(str(limit + 1))))
        return Page(
            [_item(row) for row in rows[:limit]], (0, rows[limit - 1]["key"]) if len(rows) > limit else None
        )
    if order == "desc":
        # First which, then what stands beside them: to plan both at once takes PostgreSQL longer than to do it.
        with db.snapshot():
            found = db.database.execute(_newest(filters, limit + 1, position, surveys)).fetchall()
            keys = [key for (key,) in found[:limit]]
            items = some(keys, filters)
        return Page(items, (0, keys[-1]) if len(found) > limit else None)
    query = _narrowed(_items(), filters, surveys, walking=True).where(db.settled(Response.first_tick))
    if position:
        query = query.where(peewee.Tuple(Response.first_tick, Response.key) > peewee.Tuple(*position))
    rows = _rows(query.order_by(Response.first_tick, Response.key).limit(limit))
    end = (rows[-1]["first_tick"], rows[-1]["key"]) if rows else (position or (0, 0))
    return Page([_item(row, filters) for row in rows], end)


def changes(
    filters: Mapping[str, Any],
    limit: int,
    position: tuple[int, int] | None = None,
    surveys: list[str] | None = None,
) -> Page[Item | Deleted | Left]:
    """One page of responses and deletions in the order of their last change, in one statement.

    It can be followed for ever, as `page` with "asc". What changed and does not fit the filters (any more) is `Left`.
    Two short lists of positions are merged first, so that only the rows of the page are looked up.
    """
    fits = _fits(filters)
    live = _narrowed(
        _joined(
            Response.select(
                Response.changed_tick.alias("tick"),
                Response.key,
                SQL("0").alias("gone"),
                peewee.Case(None, [(fits, 1)], 0).alias("fits"),
            )
        ),
        {name: filters.get(name) for name in _FIXED},
        surveys,
        # What never changed never fitted, so nobody has it.
    ).where((Response.version > 1) | fits)
    gone = Erased.select(
        Erased.changed_tick.alias("tick"), Erased.key, SQL("1").alias("gone"), SQL("1").alias("fits")
    )
    if surveys is not None:
        gone = gone.where(Erased.survey_id.in_(surveys))
    if filters.get("survey"):
        gone = gone.where(Erased.survey_id == filters["survey"])
    lists = [
        query.where(db.settled(tick), peewee.Tuple(tick, key) > peewee.Tuple(*(position or (0, 0))))
        .order_by(tick, key)
        .limit(limit)
        .cte(name)
        for name, query, tick, key in (
            ("live", live, Response.changed_tick, Response.key),
            ("gone", gone, Erased.changed_tick, Erased.key),
        )
    ]
    live_positions, gone_positions = (
        peewee.Select([one], [one.c.tick, one.c.key, one.c.gone, one.c.fits]) for one in lists
    )
    positions = live_positions.union_all(gone_positions).alias("positions")
    tick, key = positions.c.tick, positions.c.key
    # History that was deleted and read in again may stand at the same key: which of the two is meant, `gone` says.
    source = positions.join(
        Response, JOIN.LEFT_OUTER, on=(Response.key == key) & (positions.c.gone == 0)
    ).join(Erased, JOIN.LEFT_OUTER, on=(Erased.key == key) & (positions.c.gone == 1))
    columns = [
        *_COLUMNS,
        _topics().alias("topics"),
        tick.alias("tick"),
        key.alias("position"),
        positions.c.fits.alias("fits"),
        Erased.id.alias("erased_id"),
        Erased.version.alias("erased_version"),
    ]
    query = _joined(Response.select(*columns).from_(source), JOIN.LEFT_OUTER).with_cte(*lists)
    rows = list(query.order_by(tick, key).limit(limit).dicts())
    end = (rows[-1]["tick"], rows[-1]["position"]) if rows else (position or (0, 0))
    return Page([_change(row, filters) for row in rows], end)


def _newest(
    filters: Mapping[str, Any], limit: int, position: tuple[int, int] | None, surveys: list[str] | None
) -> Any:
    """A query of the keys of the newest `limit` items before `position`."""
    key = _order_key(filters)

    def narrowed(query: Any, walking: bool = False) -> Any:
        query = _narrowed(query, filters, surveys, walking)
        return query.where(key < position[1]) if position else query

    if isinstance(filters.get("agent"), tuple):
        return _of_agents(filters, limit, position, surveys).order_by(Response.key.desc()).limit(limit)
    if filters.get("language") is not None and not filters.get("q"):
        return _in_language(filters, limit, position, surveys).order_by(Response.key.desc()).limit(limit)
    if not _may_be_rare(filters):
        return narrowed(_keys(filters)).order_by(key.desc()).limit(limit)
    # The database would walk the newest answers for any word: through all of them for one that hardly anybody says.
    # Or it would look up all answers of a company, however many. So it walks only so far, and if that gives no full
    # page, asks the index; in one statement. The database never begins the branch that is not wanted.
    keys = _keys(filters)
    near = narrowed(keys, walking=True).where(key >= _walked_to(filters, position))
    near = near.order_by(key.desc()).limit(limit).cte("near", materialized=True)
    found = peewee.Select([near], [fn.COUNT(near.c.key)])
    # A sum is in no index: hits are to be sorted, and not keys walked for them.
    far = narrowed(keys).where(found < limit, _alone()).order_by((key + 0).desc()).limit(limit).cte("far")
    chosen = [
        peewee.Select([near], [near.c.key]).where(found == limit),
        peewee.Select([far], [far.c.key]),
    ]
    page = Response.select(Response.key).where(Response.key.in_(chosen[0].union_all(chosen[1])))
    return page.order_by(Response.key.desc()).limit(limit).with_cte(near, far)


def _alone() -> Any:
    """True, and PostgreSQL starts no helpers for whatever asks it.

    It would start them before it knows that nobody wants the rows, and wait for them longer than the search takes.
    """
    return SQL("1 = 1") if db.on_sqlite() else SQL("pg_backend_pid() IS NOT NULL")


def _may_be_rare(filters: Mapping[str, Any]) -> bool:
    """Whether how often something occurs decides which way is short, and the database cannot tell."""
    if db.on_sqlite():
        return filters.get("company") is not None and not filters.get("q")
    return bool(folding.phrases(filters.get("q") or ""))


def _walked_to(filters: Mapping[str, Any], position: tuple[int, int] | None) -> Any:
    """The key of the answer WALK places behind where the page begins; 0 where there are fewer."""
    older = Response.select(Response.key)
    if position:
        older = older.where(Response.key < position[1])
    if filters.get("until") is not None:
        older = older.where(Response.key < microseconds(filters["until"]))
    return fn.COALESCE(older.order_by(Response.key.desc()).offset(WALK).limit(1), 0)


def _order_key(filters: Mapping[str, Any]) -> Any:
    """The key in the table that the database should walk newest first: then it stops after one page."""
    # A search without a single word joins no index.
    if db.on_sqlite() and folding.phrases(filters.get("q") or ""):
        return _Search.rowid
    return Reading.key if filters.get("sentiment") else Response.key


def one(response_key: int) -> Item | None:
    """One item; None when there is no such response."""
    return next(iter(some([response_key])), None)


def count(filters: Mapping[str, Any], surveys: list[str] | None = None, most: int = MOST_COUNTED) -> int:
    """How many responses fit; `most` where there are as many or more, so that nobody waits for a million."""
    if filters.get("topic") is not None:
        # How much is in a topic the database knows of its name alone.
        chain = db.database.execute(Topic.standing(filters["topic"])).fetchall()
        filters = {**filters, "topic": tuple(id_ for (id_,) in chain)}
        if len(chain) == 1 and not db.on_sqlite() and _fit_most_of_a_topic(filters):
            near = _narrowed(_keys(filters), {**filters, "topic": None}, surveys)
            newest = _placed(filters["topic"]).order_by(Placement.response.desc()).limit(2 * most)
            n = _counted(near.where(Response.key.in_(newest)), most)
            # Of all that there is, PostgreSQL would walk a tenth of the table.
            if n == most:
                return n
    return _counted(_narrowed(_keys(filters), filters, surveys), most)


def _counted(query: Any, most: int) -> int:
    found = query.limit(most).alias("found")
    return int(peewee.Select([found], [fn.COUNT(found.c.key)]).scalar(db.database))


def _fit_most_of_a_topic(filters: Mapping[str, Any]) -> bool:
    """Whether of the newest answers in a topic most are likely to fit, so that few have to be looked at."""
    asked = {name for name, value in filters.items() if value is not None}
    return asked <= {"topic", "survey", "excluded", "counted", "since"} and filters.get("excluded") != "1"


def fits(response_key: int, filters: Mapping[str, Any], surveys: list[str] | None = None) -> bool:
    """Whether a response fits, and is in one of `surveys` (None: any)."""
    return _narrowed(_keys(filters), filters, surveys).where(Response.key == response_key).exists()


def like(
    response_keys: Sequence[int], filters: Mapping[str, Any], limit: int, surveys: list[str] | None = None
) -> list[Item]:
    """The items whose comments are most like those of some responses, without these: nearest first, each with its
    `similarity` (0–1).
    """
    among = _narrowed(_keys(filters), filters, surveys)
    near = dict(vectors.alike(response_keys, among, limit))
    keys = list(near)
    found = {row["key"]: _item(row) for row in _beside(keys)}
    return [replace(found[key], similarity=round(near[key], 4)) for key in keys if key in found]


def some(keys: Sequence[int], filters: Mapping[str, Any] = MappingProxyType({})) -> list[Item]:
    """The items of these responses, in this order; without those that are gone. `filters`: for which they are told."""
    found = {row["key"]: _item(row, filters) for row in _beside(keys)}
    return [found[key] for key in keys if key in found]


def words(response_key: int) -> list[str]:
    """The words of a comment that spoke most for its sentiment; none where a person said it."""
    row = Reading.select(Reading.words).where(Reading.key == response_key).first()
    return list(row.words or []) if row else []


def names_of_surveys(ids: Collection[str]) -> dict[str, str]:
    """What these surveys are called."""
    found: Any = Survey.select(Survey.id, Survey.name).where(Survey.id.in_(list(ids)))
    return dict(list(found.tuples()))


def is_said(word: str) -> bool:
    """Whether any answer that is kept holds `word`."""
    phrases = folding.phrases(word)
    if not phrases:
        return True
    # A review asks this of each word of each topic, so it is not built by peewee each time.
    if db.on_sqlite():
        statement, values = (
            "SELECT 1 FROM response_search WHERE response_search MATCH ? LIMIT 1",
            [_match(phrases)],
        )
    else:
        asked, values = _query_of_words(phrases)
        statement = f"SELECT 1 FROM response WHERE search @@ ({asked}) LIMIT 1"  # noqa: S608 (values stand apart)
    return db.database.execute_sql(statement, values).fetchone() is not None


# ------------------------------------------------------------------------------------------------------


_COLUMNS = (
    Response.key,
    Response.id,
    Response.survey,
    Survey.metric,
    Response.score,
    Response.group,
    Response.comment,
    Response.answers,
    Response.language,
    Response.person,
    Person.name.alias("person_name"),
    Person.verified.alias("person_verified"),
    Reading.label.alias("sentiment_label"),
    Reading.score.alias("sentiment_score"),
    Reading.text_label,
    Reading.text_score,
    Reading.language.alias("read_language"),
    Survey.redact,
    Response.channel,
    Response.touchpoint,
    Response.agent_id,
    Response.agent_name,
    Response.team_id,
    Response.team_name,
    Response.ticket,
    Response.properties,
    Response.tags,
    Response.flags,
    Response.excluded,
    Response.test,
    FollowUp.id.alias("follow_up_id"),
    FollowUp.status.alias("follow_up_status"),
    Triage.state.alias("triage"),
    Response.contact,
    Invitation.sent_at.alias("asked_at"),
    Response.seconds,
    Response.version,
    Response.first_tick,
    Response.changed_tick,
    Response.created_at,
    Response.updated_at,
)


#: To put these together for each page would cost more than to find its rows.
_LISTED = db.Columns(_COLUMNS, (Response, Survey, Person, Reading, FollowUp, Triage, Invitation))


def _items() -> Any:
    return _joined(Response.select(_LISTED, _topics().alias("topics")))


#: The names of what `_items` gives, and what makes values of those columns that a database gives otherwise.
_NAMES = [*(column.name for column in _COLUMNS), "topics"]
_MAKERS = [
    (column.name, field.python_value)
    for column in _COLUMNS
    if isinstance(field := column.unalias(), db.UTCField | db.JSONField | peewee.BooleanField)
]


def _rows(query: Any) -> list[dict[str, Any]]:
    """The rows of a query of `_items`. peewee would ask what it is of each value of each row, and not once a column."""
    return _made(db.database.execute(query).fetchall())


def _beside(keys: Sequence[int]) -> list[dict[str, Any]]:
    """Some responses with what stands beside them, in any order."""
    return _made(_of_keys(tuple(labels.languages()))(keys=db.listed(list(keys))).fetchall()) if keys else []


@functools.lru_cache(maxsize=64)
def _of_keys(_languages: tuple[str, ...]) -> db.Prepared:
    """The statement of `_beside`, in which the labels of topics hang on the languages of the reader."""
    return db.Prepared(lambda: _items().where(db.is_among(Response.key, "keys")))


def _made(rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    found = []
    for values in rows:
        row = dict(zip(_NAMES, values, strict=True))
        for name, make in _MAKERS:
            if row[name] is not None:
                row[name] = make(row[name])
        found.append(row)
    return found


#: The tables beside that of the responses which filters look into.
_LOOKED_INTO = {
    Survey: ("metric", "mismatch"),
    Reading: ("sentiment", "language", "waiting", "mismatch"),
    Triage: ("triage",),
}


def _keys(filters: Mapping[str, Any], key: Any = Response.key) -> Any:
    """Keys alone, of responses joined with what the filters look into: each table more is planned with."""
    query = Response.select(key)
    needed = {
        table for table, names in _LOOKED_INTO.items() if any(filters.get(name) is not None for name in names)
    }
    if Survey in needed:
        query = query.join(Survey, src=Response, on=(Survey.id == Response.survey))
    if Reading in needed:
        query = query.left_outer_join(Reading, on=(Reading.key == Response.key), src=Response)
    if Triage in needed:
        query = query.left_outer_join(Triage, on=(Triage.response == Response.key), src=Response)
    return query


def _joined(query: Any, survey_join: str = JOIN.INNER) -> Any:
    return (
        query.join(Survey, survey_join, src=Response, on=(Survey.id == Response.survey))
        .left_outer_join(Reading, on=(Reading.key == Response.key), src=Response)
        .left_outer_join(Person, on=(Person.id == Response.person), src=Response)
        .left_outer_join(FollowUpResponse, on=(FollowUpResponse.response == Response.key), src=Response)
        .left_outer_join(FollowUp, on=(FollowUp.id == FollowUpResponse.follow_up), src=FollowUpResponse)
        .left_outer_join(Triage, on=(Triage.response == Response.key), src=Response)
        .left_outer_join(Invitation, on=(Invitation.id == Response.invitation), src=Response)
    )


def _topics() -> Any:
    """The topics of a response as a JSON array, in the same statement as the response."""
    make: Any
    collect: Any
    evidence: Any
    if db.on_sqlite():
        make, collect, evidence = fn.json_object, fn.json_group_array, fn.json(Placement.evidence)
    else:
        make, collect, evidence = fn.json_build_object, fn.json_agg, Placement.evidence
    parts = {
        "id": Topic.id,
        "label": labels.column(Topic),
        "evidence": evidence,
        "sentiment": Placement.sentiment,
        "main": Placement.main,
    }
    array = collect(make(*(part for name, column in parts.items() for part in (SQL(f"'{name}'"), column))))
    return (
        Placement.select(array)
        .join(Topic, on=(Topic.id == Placement.topic))
        .where(Placement.response == Response.key)
    )


def _narrowed(
    query: Any, filters: Mapping[str, Any], surveys: list[str] | None, walking: bool = False
) -> Any:
    """What the filters ask of a query; `walking`: no index of SQLite but that of keys is to serve for it."""
    if surveys is not None:
        query = query.where(Response.survey.in_(surveys))
    if wanted := _conditions(filters, walking):
        query = query.where(*wanted)
    if filters.get("q"):
        query = _searched(query, folding.phrases(filters["q"]))
    return query


def _conditions(filters: Mapping[str, Any], walking: bool = False) -> list[Any]:
    """What the filters ask of the joined tables, but for the search for words."""
    found = [column == filters[name] for name, column in _EQUAL.items() if filters.get(name) is not None]
    found += [
        segments.has(name, value) for name, value in filters.items() if name.startswith(segments.PROPERTY)
    ]
    if filters.get("language") is not None:
        found.append(SEGMENTS["language"] == filters["language"])
    if filters.get("company") is not None:
        # With a sign before it SQLite takes a column from no index.
        bare = walking and db.on_sqlite()
        person = peewee.NodeList((SQL("+"), Response.person), glue="") if bare else Response.person
        found.append(person.in_(_employed(filters["company"])))
    if filters.get("score_min") is not None:
        found.append(Response.score >= filters["score_min"])
    if filters.get("score_max") is not None:
        found.append(Response.score <= filters["score_max"])
    if filters.get("has_comment") in ("0", "1"):
        found.append(conditions.is_silent() if filters["has_comment"] == "0" else ~conditions.is_silent())
    if filters.get("status") is not None:
        found.append(Response.key.in_(_followed_up(filters["status"])))
    if filters.get("topic") is not None:
        found.append(Response.key.in_(_placed(filters["topic"])))
    if filters.get("theme") is not None:
        found.append(segments.placed(filters["theme"]))
    if filters.get("waiting") is not None:
        found.append(conditions.waits(filters["waiting"]))
    if filters.get("tag") is not None:
        tagged = ResponseTag.select(ResponseTag.response).where(ResponseTag.tag == filters["tag"])
        found.append(Response.key.in_(tagged))
    if filters.get("since") is not None:
        found.append(Response.key >= microseconds(filters["since"]))
    if filters.get("until") is not None:
        found.append(Response.key < microseconds(filters["until"]))
    if filters.get("triage") is not None:
        is_unread = filters["triage"] == "unread"
        found.append(Triage.state.is_null() if is_unread else Triage.state == filters["triage"])
    if filters.get("counted"):
        found.append(Response.counted)
    if filters.get("excluded") is not None:
        is_out = Response.excluded | Response.test
        found.append(is_out if filters["excluded"] == "1" else ~is_out)
    if filters.get("placed") is not None:
        found.append(conditions.is_unplaced() if filters["placed"] == "0" else ~conditions.is_unplaced())
    if filters.get("mismatch"):
        found.append(conditions.is_mismatch())
    return found


def _placed(topic: str | tuple[str, ...]) -> Any:
    """The answers in a topic, or in one of several, of which no other is asked."""
    among = Placement.topic.in_(Topic.standing(topic) if isinstance(topic, str) else list(topic))
    if not isinstance(topic, str) and len(topic) == 1:
        # Then no answer is in it twice, which PostgreSQL makes use of.
        among = Placement.topic == topic[0]
    return Placement.select(Placement.response).where(among)


def _employed(company: str) -> Any:
    """The people of a company."""
    employed = Person.alias()
    return employed.select(employed.id).where(employed.company == company)


def _followed_up(status: str) -> Any:
    """The answers in cases of a state; `open`: of all that are not closed, `closed`: of all that are."""
    states = {"open": follow_ups.OPEN, "closed": follow_ups.CLOSED}.get(status, (status,))
    case = FollowUp.alias()
    query = FollowUpResponse.alias()
    return (
        query.select(query.response)
        .join(case, on=(case.id == query.follow_up))
        .where(case.status.in_(states))
    )


def _searched(query: Any, phrases: list[Phrase]) -> Any:
    """Narrow to responses in which every phrase occurs. A search without a single word finds nothing."""
    if not phrases:
        return query.where(SQL("1 = 0"))
    if db.on_sqlite():
        query = query.join(_Search, on=(_Search.rowid == Response.key), src=Response)
        return query.where(peewee.Expression(_Search.response_search, "MATCH", _match(phrases)))
    wanted = SQL(*_query_of_words(phrases))
    return query.where(
        peewee.Expression(peewee.Column(Response, "search"), "@@", peewee.EnclosedNodeList([wanted]))
    )


def _match(phrases: list[Phrase]) -> str:
    """What SQLite's index of words takes. Quoted, every word is just a word: no FTS5 syntax can come from outside."""
    return " AND ".join(f"({' OR '.join(map(_matched, ways))})" for ways in phrases)


def _matched(words: list[str]) -> str:
    return '"' + " ".join(words) + ('" *' if folding.goes_on(words[-1]) else '"')


def _query_of_words(phrases: list[Phrase]) -> tuple[str, list[str]]:
    """What PostgreSQL's index of words takes, and its values."""
    asked = [[_asked(words) for words in ways] for ways in phrases]
    sql = " && ".join(f"({' || '.join(sql for sql, _ in ways)})" for ways in asked)
    return sql, [text for ways in asked for _, text in ways]


def _asked(words: list[str]) -> tuple[str, str]:
    """What PostgreSQL makes a query of for one way of a phrase, and the words as that takes them."""
    if not folding.goes_on(words[-1]):
        return "phraseto_tsquery('simple', %s)", " ".join(words)
    # Words are letters and digits, so none ends its quotes.
    return "to_tsquery('simple', %s)", " <-> ".join(f"'{word}'" for word in words) + ":*"


class _Search(peewee.Model):
    """SQLite's full-text index; migrations make it and triggers keep it."""

    rowid = peewee.IntegerField(primary_key=True)
    response_search = peewee.TextField()

    class Meta:
        database = db.database
        table_name = "response_search"


def _in_language(
    filters: Mapping[str, Any], limit: int, position: tuple[int, int] | None, surveys: list[str] | None
) -> Any:
    """The newest items in a language that was read or, where none was, claimed.

    Two short lists, each walked in an index of its own: what stands in two tables has none together.
    """
    language = filters["language"]
    read = Reading.language == language
    # So PostgreSQL walks the index; of a column that is null beside a row it thinks that it hardly ever is.
    told = Reading.alias()
    unread = ~fn.EXISTS(told.select(SQL("1")).where(told.key == Response.key, told.language.is_null(False)))
    claimed = unread & (Response.language == language)
    lists = []
    for name, key, condition in (("read", Reading.key, read), ("claimed", Response.key, claimed)):
        listed = _keys(filters, key.alias("key"))
        query = _narrowed(listed, {**filters, "language": None}, surveys).where(condition)
        if position:
            query = query.where(key < position[1])
        lists.append(query.order_by(key.desc()).limit(limit).cte(name))
    first, second = (peewee.Select([one], [one.c.key]) for one in lists)
    keys = Response.select(Response.key).where(Response.key.in_(first.union_all(second)))
    return keys.with_cte(*lists)


def _of_agents(
    filters: Mapping[str, Any], limit: int, position: tuple[int, int] | None, surveys: list[str] | None
) -> Any:
    """The newest items of agents, `agent` being a tuple of ids: one short list an id, each walked in the index."""
    lists = []
    for at, agent in enumerate(filters["agent"]):
        query = _narrowed(_keys(filters), {**filters, "agent": agent}, surveys)
        if position:
            query = query.where(Response.key < position[1])
        lists.append(query.order_by(Response.key.desc()).limit(limit).cte(f"agent_{at}"))
    keys = [peewee.Select([one], [one.c.key]) for one in lists]
    found = Response.select(Response.key).where(Response.key.in_(functools.reduce(operator.add, keys)))
    return found.with_cte(*lists)


def _fits(filters: Mapping[str, Any]) -> Any:
    """Whether a response fits those filters that it may fit today and not tomorrow."""
    wanted = _conditions({name: value for name, value in filters.items() if name not in _FIXED})
    if filters.get("q"):
        found = _searched(Response.select(Response.key), folding.phrases(filters["q"]))
        wanted.append(Response.key.in_(found))
    return functools.reduce(operator.and_, wanted, SQL("1 = 1"))


def _change(row: Mapping[str, Any], filters: Mapping[str, Any]) -> Item | Deleted | Left:
    if row["erased_id"]:
        return Deleted(row["erased_id"], row["erased_version"])
    if not row["fits"]:
        return Left(row["id"], row["version"])
    return _item(row, filters)


def _item(row: Mapping[str, Any], filters: Mapping[str, Any] = MappingProxyType({})) -> Item:
    clean = redaction.redact_all if row["redact"] else _as_it_is
    return Item(
        id=row["id"],
        survey=row["survey"],
        metric=row["metric"],
        score=row["score"],
        group=row["group"],
        comment=clean(row["comment"]),
        answers=clean(row["answers"] or {}),
        language=row["read_language"] or row["language"],
        person=Who(row["person"], row["person_name"], row["person_verified"]) if row["person"] else None,
        sentiment=_sentiment(row, bool(filters.get("mismatch"))),
        topics=_mentions(row["topics"]),
        channel=row["channel"],
        touchpoint=row["touchpoint"],
        agent=Named(row["agent_id"], row["agent_name"]) if row["agent_id"] else None,
        team=Named(row["team_id"], row["team_name"]) if row["team_id"] else None,
        ticket=_ticket(row["ticket"], clean) if row["ticket"] else None,
        properties=clean(row["properties"] or {}),
        tags=row["tags"] or [],
        flags=row["flags"] or [],
        excluded=row["excluded"],
        test=row["test"],
        follow_up=Case(row["follow_up_id"], row["follow_up_status"]) if row["follow_up_id"] else None,
        triage=row["triage"] or "unread",
        contact=row["contact"],
        asked_at=row["asked_at"],
        seconds=row["seconds"],
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _sentiment(row: Mapping[str, Any], mismatch: bool) -> Sentiment | None:
    """What was read of the comment; with `mismatch` also what its words say by themselves, which made it one."""
    if not row["sentiment_label"]:
        return None
    by_words = Feeling(row["text_label"], row["text_score"]) if mismatch else None
    return Sentiment(row["sentiment_label"], row["sentiment_score"], by_words)


def _mentions(topics: Any) -> tuple[Mention, ...]:
    """The topics of a comment, the main one first. SQLite gives them as text."""
    if not topics or topics == "[]":
        return ()
    if isinstance(topics, str):
        topics = json.loads(topics)
    return tuple(
        Mention(topic["id"], topic["label"], topic["evidence"], topic["sentiment"])
        for topic in sorted(topics, key=lambda topic: not topic["main"])
    )


def _ticket(ticket: Mapping[str, Any], clean: Callable[[Any], Any]) -> Ticket:
    """Ids and links are the helpdesk's and must work; only the subject is in anybody's own words."""
    return Ticket(
        id=ticket.get("id"),
        number=ticket.get("number"),
        url=ticket.get("url"),
        channel=ticket.get("channel"),
        subject=clean(ticket.get("subject")),
    )


def _as_it_is(value: Any) -> Any:
    return value
