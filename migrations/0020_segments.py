"""Counts by segment of days and months that are over, and which properties of a survey are counted so.

The worker fills the tables in the background; until then numbers by segment are counted from the responses.
"""

import functools
import json

import peewee
from peewee import BigIntegerField, Model, SqliteDatabase, TextField

_DUMPS = functools.partial(json.dumps, ensure_ascii=False, separators=(",", ":"))


def tables(db):
    """What this migration makes, as it was when it was written; parents first."""

    class Table(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Survey(Table):
        id = TextField(primary_key=True)

    class SegmentPeriod(Table):
        period = TextField(primary_key=True)
        zone = TextField()
        tick = BigIntegerField()

        class Meta:
            table_name = "segment_period"

    class SegmentCount(Table):
        survey = peewee.ForeignKeyField(Survey, on_delete="CASCADE", column_name="survey_id", index=False)
        segment = TextField()
        period = TextField(index=True)
        counts = peewee.JSONField(null=True, dumps=_DUMPS)

        class Meta:
            table_name = "segment_count"
            primary_key = peewee.CompositeKey("survey", "segment", "period")

    return SegmentPeriod, SegmentCount


def up(migrator, db):
    kind = "TEXT" if isinstance(db, SqliteDatabase) else "JSONB"
    db.execute_sql(f"ALTER TABLE survey ADD COLUMN \"segments\" {kind} NOT NULL DEFAULT '[]'")
    db.create_tables(tables(db))


def down(migrator, db):
    """Which properties were chosen is lost; the counts are made of the responses."""
    db.drop_tables(tables(db))
    db.execute_sql('ALTER TABLE survey DROP COLUMN "segments"')
