"""Copies of the migrated PostgreSQL database that are emptied and used again.

To make and to drop one takes PostgreSQL ten times as long as to empty it. A copy whose shape a test has changed is
dropped; every other one is again, row for row and sequence for sequence, what the migrations left.
"""

from typing import Any

import psycopg
from psycopg import sql

from tests.servers import Postgres

#: Whatever a test could change of a database besides its rows.
SHAPE = """
SELECT md5(string_agg(line, E'\\n' ORDER BY line)) FROM (
    SELECT 'table ' || c.oid::text || c.relname || c.relkind::text || coalesce(c.reloptions::text, '') AS line
      FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'column ' || attrelid::text || attname || atttypid::text || attnotnull::text || attisdropped::text
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
     WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0
    UNION ALL SELECT 'default ' || adrelid::text || pg_get_expr(adbin, adrelid) FROM pg_attrdef
    UNION ALL SELECT 'constraint ' || pg_get_constraintdef(oid) FROM pg_constraint
     WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'trigger ' || oid::text || tgname || tgenabled::text FROM pg_trigger
    UNION ALL SELECT 'function ' || oid::text || prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT 'extension ' || extname FROM pg_extension
    UNION ALL SELECT 'setting ' || setconfig::text FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
     WHERE d.datname = current_database()
) AS everything
"""
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1"
HANG_UP = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
)
HELD = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"

#: TRUNCATE takes fifteen times as long as DELETE, which leaves dead rows behind for every query to step over.
TRUNCATED_EVERY = 20

Connection = psycopg.Connection[Any]


class Copies:
    """Databases to lend, of one template on one server."""

    def __init__(self, server: Postgres, template: str) -> None:
        self.server = server
        self.template = template
        self._lent = self._emptied = 0
        self._free: list[str] = []
        self._shapes: dict[str, str] = {}
        self._rows: dict[str, bytes] = {}
        self._sequences: dict[str, int | None] = {}
        #: One of our own to each copy: a new one would read all of its catalog again.
        self._connections: dict[str, Connection] = {}

    def lend(self) -> str:
        """The address of a database that is as the migrations left it, without the server before it.

        No two are the same: what a process keeps in mind of a database, it keeps by its address.
        """
        self._lent += 1
        name = self._free.pop() if self._free else self._copied_anew(f"copy_{self._lent}")
        return f"{name}?application_name=test_{self._lent}"

    def take_back(self, address: str) -> None:
        """Empty it for the next one, or drop it where a test has changed more than rows."""
        name = address.partition("?")[0]
        connection = self._connected(name)
        connection.execute(HANG_UP, (name,))
        while _value(connection, HELD, name):
            pass
        if _value(connection, SHAPE) == self._shapes[name]:
            self._empty(connection)
            self._free.append(name)
            return
        self._connections.pop(name).close()
        self.server.run_sql(f'DROP DATABASE "{name}" WITH (FORCE)')

    def close(self) -> None:
        """Hang up."""
        for connection in self._connections.values():
            connection.close()

    def _copied_anew(self, name: str) -> str:
        self.server.copy_database(self.template, name)
        connection = self._connected(name)
        self._shapes[name] = _value(connection, SHAPE)
        if not self._sequences:
            self._rows = {
                table: rows for table in _tables(connection) if (rows := _copied(connection, table))
            }
            self._sequences = dict(connection.execute(SEQUENCES).fetchall())
        return name

    def _connected(self, name: str) -> Connection:
        found = self._connections.get(name)
        if found is None or found.closed or found.broken:
            # The rows of the template fit each other: in which order they come back, no trigger need check.
            options = "-c session_replication_role=replica"
            found = psycopg.connect(self.server.database_url(name), autocommit=True, options=options)
            self._connections[name] = found
        return found

    def _empty(self, connection: Connection) -> None:
        one = sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})")
        held = sql.SQL(" UNION ALL ").join(
            one.format(sql.Literal(table), sql.Identifier(table)) for table in _tables(connection)
        )
        filled = [table for (table,) in connection.execute(held)]
        if changed := [table for table in filled if _copied(connection, table) != self._rows.get(table)]:
            self._emptied += 1
            if self._emptied % TRUNCATED_EVERY:
                each = sql.SQL("DELETE FROM {}")
                connection.execute(
                    sql.SQL("; ").join(each.format(sql.Identifier(table)) for table in changed)
                )
            else:
                names = sql.SQL(", ").join(map(sql.Identifier, changed))
                connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(names))
        for table, rows in self._rows.items():
            # Also where another table's emptying took these along.
            if _copied(connection, table) != rows:
                with connection.cursor().copy(
                    sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))
                ) as copy:
                    copy.write(rows)
        for sequence, value in connection.execute(SEQUENCES).fetchall():
            if value != self._sequences[sequence]:
                connection.execute(
                    "SELECT setval(%s::regclass, coalesce(%s, 1), %s)",
                    (
                        f'public."{sequence}"',
                        self._sequences[sequence],
                        self._sequences[sequence] is not None,
                    ),
                )


def _value(connection: Connection, statement: str, *values: Any) -> Any:
    return connection.execute(statement.encode(), values or None).fetchone()[0]  # type: ignore[index]


def _tables(connection: Connection) -> list[str]:
    return [table for (table,) in connection.execute(TABLES)]


def _copied(connection: Connection, table: str) -> bytes:
    with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as copy:
        return b"".join(map(bytes, copy))
