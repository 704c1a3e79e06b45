"""When everybody was last looked at for reasons why they may be lost; without a row nobody was yet."""

from peewee import SqliteDatabase


def up(migrator, db):
    moment = "TEXT" if isinstance(db, SqliteDatabase) else "TIMESTAMPTZ"
    db.execute_sql(f'CREATE TABLE "lost_look" ("id" INTEGER NOT NULL PRIMARY KEY, "at" {moment} NOT NULL)')


def down(migrator, db):
    db.execute_sql('DROP TABLE "lost_look"')
