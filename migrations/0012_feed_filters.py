"""Indexes for the feed's filters by company and by property.

SQLite has no index that looks into JSON whatever the name; there the newest answers are walked.
"""

from peewee import SqliteDatabase


def up(migrator, db):
    db.execute_sql('CREATE INDEX "person_company" ON "person" ("company") WHERE ("company" IS NOT NULL)')
    if not isinstance(db, SqliteDatabase):
        db.execute_sql(
            "CREATE INDEX response_properties ON response USING gin (properties jsonb_path_ops) "
            "WHERE properties IS NOT NULL"
        )


def down(migrator, db):
    db.execute_sql("DROP INDEX person_company")
    if not isinstance(db, SqliteDatabase):
        db.execute_sql("DROP INDEX response_properties")
