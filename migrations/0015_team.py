"""What a team notes for itself: pins on charts, benchmarks, its own tags, and how far each answer is dealt with."""

import peewee
from peewee import SQL, BigIntegerField, DoubleField, Field, IntegerField, Model, SqliteDatabase, TextField


class UTCField(Field):
    """TIMESTAMPTZ, or on SQLite RFC 3339 text of fixed width."""

    field_type = "UTC"


def tables(db):
    """What this migration makes, as it was when it was written."""
    db._field_types = {**db._field_types, "UTC": "TEXT" if isinstance(db, SqliteDatabase) else "TIMESTAMPTZ"}

    class Table(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Survey(Table):
        id = TextField(primary_key=True)

    class Response(Table):
        key = BigIntegerField(primary_key=True)

    class Pin(Table):
        id = TextField(primary_key=True)
        at = UTCField(index=True)
        text = TextField()
        kind = TextField()
        survey = peewee.ForeignKeyField(Survey, null=True, on_delete="CASCADE", column_name="survey_id")
        made_by = TextField(null=True)
        created_at = UTCField()

        class Meta:
            constraints = [SQL("CHECK (kind IN ('release', 'incident', 'change', 'other'))")]

    class Benchmark(Table):
        id = TextField(primary_key=True)
        survey = peewee.ForeignKeyField(Survey, on_delete="CASCADE", column_name="survey_id")
        value = DoubleField()
        source = TextField()
        made_by = TextField(null=True)
        created_at = UTCField()

    class TeamTag(Table):
        tag = TextField(primary_key=True)
        meaning = TextField()
        color = TextField(null=True)
        position = IntegerField()

        class Meta:
            table_name = "team_tag"

    class Triage(Table):
        response = peewee.ForeignKeyField(
            Response, primary_key=True, on_delete="CASCADE", column_name="response_key"
        )
        state = TextField()
        made_by = TextField(null=True)
        at = UTCField()

        class Meta:
            constraints = [SQL("CHECK (state IN ('done', 'archived'))")]
            indexes = ((("state", "response"), False),)

    return [Pin, Benchmark, TeamTag, Triage]


def up(migrator, db):
    db.create_tables(tables(db))


def down(migrator, db):
    db.drop_tables(tables(db))
