"""Why people may be lost is kept for each survey that it was seen in: who sees some surveys misses no reason."""

import peewee
from peewee import Field, Model, SqliteDatabase, TextField


class UTCField(Field):
    """TIMESTAMPTZ, or on SQLite RFC 3339 text of fixed width."""

    field_type = "UTC"


def table(db, *key):
    """The table as it was when this was written, with a primary key of these."""
    db._field_types = {**db._field_types, "UTC": "TEXT" if isinstance(db, SqliteDatabase) else "TIMESTAMPTZ"}

    class Table(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Person(Table):
        id = TextField(primary_key=True)

    class Survey(Table):
        id = TextField(primary_key=True)

    class Response(Table):
        key = peewee.BigIntegerField(primary_key=True)

    class LostSign(Table):
        person = peewee.ForeignKeyField(Person, on_delete="CASCADE", column_name="person_id", index=False)
        kind = TextField()
        if "survey" in key:
            survey = peewee.ForeignKeyField(Survey, on_delete="CASCADE", column_name="survey_id", index=False)
        points = peewee.IntegerField()
        response = peewee.ForeignKeyField(Response, on_delete="CASCADE", column_name="response_key")
        at = UTCField()

        class Meta:
            primary_key = peewee.CompositeKey(*key)

    return LostSign


def up(migrator, db):
    db.execute_sql(
        "CREATE TEMPORARY TABLE kept_sign AS SELECT lost_sign.*, response.survey_id FROM lost_sign "
        "JOIN response ON response.key = lost_sign.response_key"
    )
    db.execute_sql("DROP TABLE lost_sign")
    db.create_tables([table(db, "person", "kind", "survey")])
    db.execute_sql(
        "INSERT INTO lost_sign (person_id, kind, survey_id, points, response_key, at) "
        "SELECT person_id, kind, survey_id, points, response_key, at FROM kept_sign"
    )
    db.execute_sql("DROP TABLE kept_sign")


def down(migrator, db):
    """Of a reason that was seen in several surveys, the last is kept; the others are found again."""
    db.execute_sql(
        "CREATE TEMPORARY TABLE kept_sign AS SELECT * FROM lost_sign WHERE NOT EXISTS ("
        "SELECT 1 FROM lost_sign AS later WHERE later.person_id = lost_sign.person_id "
        "AND later.kind = lost_sign.kind AND later.response_key > lost_sign.response_key)"
    )
    db.execute_sql("DROP TABLE lost_sign")
    db.create_tables([table(db, "person", "kind")])
    db.execute_sql(
        "INSERT INTO lost_sign (person_id, kind, points, response_key, at) "
        "SELECT person_id, kind, points, response_key, at FROM kept_sign"
    )
    db.execute_sql("DROP TABLE kept_sign")
