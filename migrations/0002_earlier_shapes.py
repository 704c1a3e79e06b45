"""Bring tables up to date that an earlier text of 0001 made.

Before the first release 0001 was edited in place. So there are databases that say it is applied and lack tables,
columns and indexes that it makes today. What is missing is added: empty, or as it was meant when nobody could say
otherwise. What cannot be told is left as it is, and the service names it at start and in /readyz. Where 0001 made the
tables of today, nothing is done.
"""

import json
import runpy
from pathlib import Path

from peewee import ForeignKeyField, SqliteDatabase

#: Columns that must have a value, and what they had before they were there.
FILLED = {
    ("survey", "skip_tags"): [],
    ("survey", "staff_domains"): [],
    ("survey", "excluded_addresses"): [],
    # An id that no key has: the address works, and no key's end takes it along.
    ("saved_feed", "api_key"): "",
}


def up(migrator, db):
    for model in runpy.run_path(str(Path(__file__).with_name("0001_initial.py")))["tables"](db):
        name = model._meta.table_name
        if not db.table_exists(name):
            db.create_tables([model])
            continue
        add_columns(db, model)
        relax_columns(db, model)
        settle_indexes(db, model)
    if isinstance(db, SqliteDatabase):
        erase_words_from_the_index(db)


def down(migrator, db):
    """The tables stay: they are those that 0001 makes today."""


def add_columns(db, model):
    """Add what is missing. Neither database touches a row for that, however many there are."""
    table = model._meta.table_name
    present = {column.name for column in db.get_columns(table)}
    for field in model._meta.sorted_fields:
        if field.column_name in present or isinstance(field, ForeignKeyField):
            continue
        definition = f'"{field.column_name}" {kind(db, field)}'
        if field.null:
            db.execute_sql(f'ALTER TABLE "{table}" ADD COLUMN {definition}')
            continue
        value = field.default if field.default is not None else FILLED.get((table, field.column_name))
        if value is None:
            continue
        default = literal(value() if callable(value) else value)
        db.execute_sql(f'ALTER TABLE "{table}" ADD COLUMN {definition} NOT NULL DEFAULT {default}')
        if not isinstance(db, SqliteDatabase):
            # SQLite cannot take it away again; nobody leaves the column out.
            db.execute_sql(f'ALTER TABLE "{table}" ALTER COLUMN "{field.column_name}" DROP DEFAULT')


def relax_columns(db, model):
    """Let columns be empty that may be empty today, and hold text that held JSON before it was sealed."""
    table = model._meta.table_name
    fields = {field.column_name: field for field in model._meta.sorted_fields}
    present = {column.name: column for column in db.get_columns(table) if column.name in fields}
    strict = [name for name, column in present.items() if not column.null and fields[name].null]
    if isinstance(db, SqliteDatabase):
        # Types mean nothing here. A table that others refer to cannot be made anew without losing their rows.
        if strict and not any(
            key.dest_table == table for name in db.get_tables() for key in db.get_foreign_keys(name)
        ):
            make_anew(db, model, list(present))
        return
    for name in strict:
        db.execute_sql(f'ALTER TABLE "{table}" ALTER COLUMN "{name}" DROP NOT NULL')
    for name, column in present.items():
        if column.data_type == "jsonb" and kind(db, fields[name]) == "TEXT":
            db.execute_sql(f'ALTER TABLE "{table}" ALTER COLUMN "{name}" TYPE TEXT USING "{name}"::text')


def make_anew(db, model, columns):
    """SQLite's way to change a column: another table, the rows, the old name."""
    table, listed = model._meta.table_name, ", ".join(f'"{name}"' for name in columns)
    db.execute_sql(f'ALTER TABLE "{table}" RENAME TO "{table}_before"')
    for index in db.get_indexes(f"{table}_before"):
        if index.sql:
            db.execute_sql(f'DROP INDEX "{index.name}"')
    db.create_tables([model])
    db.execute_sql(f'INSERT INTO "{table}" ({listed}) SELECT {listed} FROM "{table}_before"')  # noqa: S608
    db.execute_sql(f'DROP TABLE "{table}_before"')


def settle_indexes(db, model):
    """Make the indexes that are missing, and drop those that other indexes took the place of."""
    table = model._meta.table_name
    wanted = {index._name for index in model._meta.fields_to_index()}
    for index in db.get_indexes(table):
        made_by_itself = index.name.startswith("sqlite_autoindex") or index.name.endswith("_pkey")
        if index.name not in wanted and not made_by_itself:
            db.execute_sql(f'DROP INDEX "{index.name}"')
    missing = {field.column_name for field in model._meta.sorted_fields} - {
        c.name for c in db.get_columns(table)
    }
    for index in model._meta.fields_to_index():
        statement, parameters = db.get_sql_context().sql(index).query()
        # SQLite would take the name of a column that is not there for a text.
        if not any(f'"{name}"' in statement for name in missing):
            db.execute_sql(statement, parameters)


def erase_words_from_the_index(db):
    """What leaves the search index is to be overwritten in it, which the first text did not ask for."""
    found = db.execute_sql("SELECT v FROM response_search_config WHERE k = 'secure-delete'").fetchone()
    if not found or not found[0]:
        db.execute_sql("INSERT INTO response_search (response_search, rank) VALUES ('secure-delete', 1)")


def kind(db, field):
    """The type of a field's column in this database."""
    return field.ddl_datatype(db.get_sql_context()).sql


def literal(value):
    """A default as SQL."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, (int, float)):
        return str(value)
    text = value if isinstance(value, str) else json.dumps(value)
    return "'" + text.replace("'", "''") + "'"
