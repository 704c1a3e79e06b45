"""PostgreSQL has an index for what is searched again: 0002 took it for one that others had taken the place of, and
every search looked through all responses."""

from peewee import SqliteDatabase


def up(migrator, db):
    """Make it where it is missing. Over a million responses that takes a minute, in which none is recorded."""
    if not isinstance(db, SqliteDatabase):
        db.execute_sql("CREATE INDEX IF NOT EXISTS response_search ON response USING gin (search)")


def down(migrator, db):
    """Nothing to take back: 0001 makes it."""
