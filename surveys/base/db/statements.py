"""Statements put together once: the query builder would cost more than the database."""

import functools
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import peewee
from peewee import SQL, Field

from surveys.base.db.connection import database, on_sqlite
from surveys.base.db.tables import JSONField, Table, UTCField, _moment, _moment_text, compact


class _Slot:
    """Where a parameter goes in a prepared statement."""

    def __init__(self, name: str) -> None:
        self.name = name


def slot(name: str) -> Any:
    """A named parameter for `Prepared`; values go to the database as they are given."""
    return peewee.Value(_Slot(name), converter=False)


def is_among(field: Field, name: str) -> Any:
    """An expression for `Prepared`: the field holds one of the values of the slot `name`, given as `listed`."""
    if on_sqlite():
        return field.in_(peewee.Select([peewee.fn.json_each(slot(name))], [SQL("value")]))
    return field == peewee.fn.ANY(slot(name))


def listed(values: Sequence[Any]) -> Any:
    """Values for `is_among`: a statement stays the same however many there are."""
    return compact(list(values)) if on_sqlite() else list(values)


class Columns(peewee.Node):
    """The columns of queries that are made of other parts each time: put together once for each naming of their tables.

    They hold no values, and no query of their own. peewee cannot tell them apart, so their values come as the database
    gives them: who runs such a query makes what it needs of them.
    """

    def __init__(self, columns: Sequence[Any], tables: Sequence[type[Table]]) -> None:
        self._columns, self._tables = columns, [table._meta.table for table in tables]
        self._made: dict[tuple[bool, tuple[str, ...]], str] = {}

    def __sql__(self, ctx: Any) -> Any:
        names = tuple(ctx.alias_manager[table] for table in self._tables)
        key = (on_sqlite(), names)
        if key not in self._made:
            self._made[key] = self._make(names)
        return ctx.literal(self._made[key])

    def _make(self, names: Sequence[str]) -> str:
        context = database.get_sql_context()
        for table, name in zip(self._tables, names, strict=True):
            context.alias_manager[table] = name
        with context.scope_source(in_projection=True):
            text, values = context.sql(peewee.CommaNodeList(self._columns)).query()
        assert not values, "these columns hold values"
        # The name of a table that is not among them would be another one in the query.
        assert set(context.alias_manager.mapping) == set(self._tables), "these columns are of other tables"
        return str(text)


class Prepared:
    """A query put together once: for every answer, the query builder would cost more than the database.

    `build` makes the query with `slot(name)` where values go; it is called once for each kind of database.
    """

    def __init__(self, build: Callable[[], Any]) -> None:
        self._build = build
        self._made: dict[bool, tuple[str, list[Any]]] = {}

    def __call__(self, **values: Any) -> Any:
        """Run it and return the cursor."""
        sql, parameters = self.made()
        return database.execute_sql(sql, [values[p.name] if isinstance(p, _Slot) else p for p in parameters])

    def made(self) -> tuple[str, list[Any]]:
        """The text of the statement and its parameters, some of which are slots."""
        kind = on_sqlite()
        if kind not in self._made:
            self._made[kind] = self._build().sql()
        return self._made[kind]


class Rows:
    """The rows of a table for which some fields have given values: a statement put together once.

    `any_of`: one of the fields having its value is enough.
    """

    def __init__(
        self,
        table: type[Table],
        *fields: Any,
        order_by: Any = None,
        limit: int | None = None,
        any_of: bool = False,
    ) -> None:
        self._table, self._fields = table, table._meta.sorted_fields
        self._names = [field.name for field in fields]
        both = operator.or_ if any_of else operator.and_

        def build() -> Any:
            query = table.select().where(functools.reduce(both, (f == slot(f.name) for f in fields)))
            query = query.order_by(order_by) if order_by is not None else query
            return query.limit(limit) if limit else query

        self._select = Prepared(build)

    def __call__(self, *values: Any) -> list[Any]:
        """The rows, one value for each field."""
        found = self._select(**dict(zip(self._names, values, strict=True))).fetchall()
        return [_row(self._table, self._fields, item) for item in found]


def _row(table: type[Table], fields: list[Any], found: tuple) -> Any:
    return row_of(
        table,
        {
            field.name: item if item is None else field.python_value(item)
            for field, item in zip(fields, found, strict=True)
        },
    )


def row_of(table: type[Table], values: dict[str, Any]) -> Any:
    """A row object that holds `values`, which must name all its fields, as if it had been read."""
    row: Any = table(__no_default__=True)
    row.__data__ = values
    return row


class Insert:
    """Insert whole rows of a table: a statement put together once.

    `on_conflict`: how the statement goes on, as peewee's method of that name takes it.
    """

    #: Rows of one statement. Few sizes, so that the statements stay prepared; SQLite takes 32,766 parameters.
    SIZES = (64, 32, 16, 8, 4, 2, 1)

    def __init__(self, table: type[Table], **on_conflict: Any) -> None:
        fields = self._fields = [field for field in table._meta.sorted_fields if not _numbered(field)]

        def build() -> Any:
            query = table.insert({field: slot(field.name) for field in fields})
            return query.on_conflict(**on_conflict) if on_conflict else query

        self._insert = Prepared(build)
        self._longer: dict[tuple[bool, int], str] = {}
        self._convert: dict[bool, list[tuple[str, Callable[[Any], Any] | None]]] = {}

    def __call__(self, row: Table) -> bool:
        """Insert `row`; columns it does not name are null. False when a conflict left it out."""
        return self.many([row.__data__]) > 0

    def many(self, rows: Sequence[Mapping[str, Any]]) -> int:
        """Insert rows, each field's value by its name (null when it has none); how many were inserted or changed."""
        names = self._converters()
        changed = start = 0
        while start < len(rows):
            size = next(size for size in self.SIZES if size <= len(rows) - start)
            values: list[Any] = []
            for row in rows[start : start + size]:
                for name, convert in names:
                    value = row.get(name)
                    values.append(value if value is None or convert is None else convert(value))
            changed += database.execute_sql(self._statement(size), values).rowcount
            start += size
        return changed

    def _converters(self) -> list[tuple[str, Callable[[Any], Any] | None]]:
        kind = on_sqlite()
        if kind not in self._convert:
            self._convert[kind] = [(field.name, _converter(field, kind)) for field in self._fields]
        return self._convert[kind]

    def _statement(self, size: int) -> str:
        sql, _ = self._insert.made()
        if size == 1:
            return sql
        key = on_sqlite(), size
        if key not in self._longer:
            one = "(" + ", ".join(["?" if key[0] else "%s"] * len(self._fields)) + ")"
            head, _, tail = sql.partition(one)
            self._longer[key] = head + ", ".join([one] * size) + tail
        return self._longer[key]


def _numbered(field: Field) -> bool:
    return isinstance(field, peewee.AutoField)


def _converter(field: Field, plain: bool) -> Callable[[Any], Any] | None:
    """What makes a value a parameter; None where drivers take it as it is, as of all of peewee's own fields."""
    if type(field) is JSONField:
        return field.parameter
    if type(field) is UTCField:
        return _moment_text if plain else _moment
    return None if type(field).__module__ == peewee.__name__ else field.db_value


#: PostgreSQL's name of a version of a row: no change leaves it.
_VERSION = SQL('"t1"."xmin"::text')


class Lookup:
    """The row of a table in which one column has a value, locked until the end of the transaction if `lock`.

    `shared`: the same row object is given to all as long as the database says the same, so nobody may change it.
    Whoever goes by one that is `remembered` looks in the transaction, before the commit, whether it is still that one:
    on PostgreSQL a statement can do so itself (`read_as`).
    """

    #: Rows that are shared at most; there are few surveys.
    SHARED = 256

    def __init__(self, field: Any, lock: bool = False, shared: bool = False) -> None:
        table = field.model
        self._table, self._fields = table, table._meta.sorted_fields
        self._shared: dict[Any, tuple[Any, Any]] | None = {} if shared else None

        def build() -> Any:
            columns = [*self._fields, _VERSION] if shared and not on_sqlite() else self._fields
            query = table.select(*columns).where(field == slot("value")).limit(1)
            return query.for_update() if lock and not on_sqlite() else query

        self._select = Prepared(build)

    def remembered(self, value: Any) -> Any:
        """The shared row as this process last read it, which may be past; None when it is not at hand."""
        _, row = (self._shared or {}).get(value, (None, None))
        return row

    def __call__(self, value: Any) -> Any:
        """The row, or None."""
        found = self._select(value=value).fetchone()
        if found is None:
            return None
        if self._shared is None:
            return _row(self._table, self._fields, found)
        before, row = self._shared.get(value, (None, None))
        if before != found:
            row = _row(self._table, self._fields, found[: len(self._fields)])
            row.read_as = found[-1] if len(found) > len(self._fields) else None
            if len(self._shared) >= self.SHARED:
                self._shared.clear()
            self._shared[value] = (found, row)
        return row
