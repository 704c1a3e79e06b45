"""What happened to themes, with the names of that time; of those that are there it is known when they were made."""

import peewee
from peewee import Field, Model, SqliteDatabase, TextField


class UTCField(Field):
    """TIMESTAMPTZ, or on SQLite RFC 3339 text of fixed width."""

    field_type = "UTC"


def table(db):
    """What this migration makes, as it was when it was written."""
    db._field_types = {**db._field_types, "UTC": "TEXT" if isinstance(db, SqliteDatabase) else "TIMESTAMPTZ"}

    class Theme(Model):
        id = TextField(primary_key=True)

        class Meta:
            database = db
            legacy_table_names = False

    class ThemeChange(Model):
        id = peewee.BigAutoField()
        kind = TextField()
        theme = peewee.ForeignKeyField(Theme, on_delete="CASCADE", column_name="theme_id")
        other = TextField(null=True)
        by_person = peewee.BooleanField(default=False)
        at = UTCField()
        label = TextField(null=True)
        other_label = TextField(null=True)
        former_label = TextField(null=True)

        class Meta:
            database = db
            legacy_table_names = False
            table_name = "theme_change"

    return ThemeChange


def up(migrator, db):
    db.create_tables([table(db)])
    # What one was called then is known only of those that a review made and nobody named.
    db.execute_sql(
        "INSERT INTO theme_change (kind, theme_id, by_person, at, label) "
        "SELECT CASE WHEN named AND settled THEN 'taught' ELSE 'found' END, id, named AND settled, created_at, "
        "CASE WHEN named THEN NULL ELSE label END FROM theme ORDER BY created_at, id"
    )


def down(migrator, db):
    """The lineage is lost; the themes stay."""
    db.drop_tables([table(db)])
