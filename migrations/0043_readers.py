"""Readers: who gets the notices of rules by mail, and whether they want them."""

from peewee import Field, Model, SqliteDatabase, TextField


class UTCField(Field):
    """TIMESTAMPTZ, or on SQLite RFC 3339 text of fixed width."""

    field_type = "UTC"


def table(db):
    """What this migration makes, as it was when it was written."""
    db._field_types = {**db._field_types, "UTC": "TEXT" if isinstance(db, SqliteDatabase) else "TIMESTAMPTZ"}

    class Reader(Model):
        id = TextField(primary_key=True)
        email = TextField(unique=True)
        member = TextField(null=True)
        outcome = TextField(null=True)
        created_at = UTCField()
        confirmed_at = UTCField(null=True)
        stopped_at = UTCField(null=True)

        class Meta:
            database = db
            legacy_table_names = False

    return Reader


def up(migrator, db):
    """Addresses lie sealed, so nobody is taken down here: who gets notices already is asked before the next one."""
    db.create_tables([table(db)])


def down(migrator, db):
    """Who wanted notices, and who did not, is forgotten."""
    db.drop_tables([table(db)])
