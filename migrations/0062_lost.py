"""Why people may be lost; what they say on their own page to what came of it; which comments speak of leaving."""

import peewee
from peewee import Field, Model, SqliteDatabase, TextField


class UTCField(Field):
    """TIMESTAMPTZ, or on SQLite RFC 3339 text of fixed width."""

    field_type = "UTC"


def tables(db):
    """What this migration makes, as it was when it was written."""
    kind = "TEXT" if isinstance(db, SqliteDatabase) else "TIMESTAMPTZ"
    db._field_types = {**db._field_types, "UTC": kind}

    class Table(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Person(Table):
        id = TextField(primary_key=True)

    class Response(Table):
        key = peewee.BigIntegerField(primary_key=True)

    class LostSign(Table):
        person = peewee.ForeignKeyField(Person, on_delete="CASCADE", column_name="person_id", index=False)
        kind = TextField()
        points = peewee.IntegerField()
        response = peewee.ForeignKeyField(Response, on_delete="CASCADE", column_name="response_key")
        at = UTCField()

        class Meta:
            primary_key = peewee.CompositeKey("person", "kind")

    class OwnWord(Table):
        response = peewee.ForeignKeyField(
            Response, primary_key=True, on_delete="CASCADE", column_name="response_key"
        )
        answer = TextField()
        said = TextField(null=True)
        answered_at = UTCField()

        class Meta:
            constraints = [peewee.SQL("CHECK (answer IN ('fixed', 'not_yet'))")]

    return LostSign, OwnWord


def up(migrator, db):
    db.create_tables(tables(db))
    # Of what was read before, nobody knows.
    truth = "INTEGER" if isinstance(db, SqliteDatabase) else "BOOLEAN"
    db.execute_sql(f'ALTER TABLE reading ADD COLUMN "leaves" {truth}')
    db.execute_sql('CREATE INDEX "reading_leaves" ON "reading" ("key") WHERE "leaves"')


def down(migrator, db):
    """What people said on their own pages is lost; the reasons are found again."""
    db.execute_sql("DROP INDEX reading_leaves")
    db.execute_sql('ALTER TABLE reading DROP COLUMN "leaves"')
    db.drop_tables(list(reversed(tables(db))))
