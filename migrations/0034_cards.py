"""When a topic was shipped, what the team says to that; and the addresses at which others see what came of it."""

import peewee
from peewee import SQL, Field, Model, SqliteDatabase, TextField


class UTCField(Field):
    """TIMESTAMPTZ, or on SQLite RFC 3339 text of fixed width."""

    field_type = "UTC"


def tables(db):
    """What this migration makes, as it was when it was written."""
    db._field_types = {**db._field_types, "UTC": moment_type(db)}

    class Table(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Topic(Table):
        id = TextField(primary_key=True)

    class PublicCard(Table):
        id = TextField(primary_key=True)
        topic = peewee.ForeignKeyField(Topic, on_delete="CASCADE", column_name="topic_id", index=False)
        kind = TextField()
        made_by = TextField(null=True)
        created_at = UTCField()

        class Meta:
            table_name = "public_card"
            constraints = [SQL("CHECK (kind IN ('proof', 'badge'))")]
            indexes = ((("topic", "kind"), True),)

    return (PublicCard,)


def up(migrator, db):
    json_type = "TEXT" if isinstance(db, SqliteDatabase) else "JSONB"
    db.execute_sql(f'ALTER TABLE topic ADD COLUMN "shipped_at" {moment_type(db)}')
    db.execute_sql(f'ALTER TABLE topic ADD COLUMN "note" {json_type}')
    db.create_tables(tables(db))


def down(migrator, db):
    """When topics were shipped, and who may see what came of it, is lost."""
    db.drop_tables(tables(db))
    for column in ("note", "shipped_at"):
        db.execute_sql(f'ALTER TABLE topic DROP COLUMN "{column}"')


def moment_type(db):
    """What moments are kept in."""
    return "TEXT" if isinstance(db, SqliteDatabase) else "TIMESTAMPTZ"
