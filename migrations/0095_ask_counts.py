"""Asks are counted by day once they are over: the overview counts a year of them for each survey. Whatever changes an
ask takes the count of its day away."""

import peewee
from peewee import Model, SqliteDatabase, TextField


def tables(db):
    """What this migration makes, as it was when it was written."""

    class Table(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Survey(Table):
        id = TextField(primary_key=True)

    class AskCount(Table):
        survey = peewee.ForeignKeyField(Survey, on_delete="CASCADE", column_name="survey_id", index=False)
        day = TextField()
        sent = peewee.IntegerField()
        answered = peewee.IntegerField()

        class Meta:
            table_name = "ask_count"
            primary_key = peewee.CompositeKey("survey", "day")

    return [AskCount]


_GONE = "DELETE FROM ask_count WHERE survey_id = {0}.survey_id AND day = substr({0}.sent_at, 1, 10);"
_OLD, _NEW = (_GONE.format(row) for row in ("old", "new"))

_ON_SQLITE = (
    "CREATE TRIGGER ask_count_insert AFTER INSERT ON invitation WHEN new.sent_at IS NOT NULL "
    f"BEGIN {_NEW} END",
    "CREATE TRIGGER ask_count_delete AFTER DELETE ON invitation WHEN old.sent_at IS NOT NULL "
    f"BEGIN {_OLD} END",
    "CREATE TRIGGER ask_count_update AFTER UPDATE OF survey_id, sent_at, answered_at ON invitation "
    f"BEGIN {_OLD} {_NEW} END",
)

_ON_POSTGRES = (
    """
    CREATE FUNCTION forget_ask_count() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'INSERT' AND OLD.sent_at IS NOT NULL THEN
            DELETE FROM ask_count WHERE survey_id = OLD.survey_id
                AND day = to_char(OLD.sent_at AT TIME ZONE 'UTC', 'YYYY-MM-DD');
        END IF;
        IF TG_OP <> 'DELETE' AND NEW.sent_at IS NOT NULL THEN
            DELETE FROM ask_count WHERE survey_id = NEW.survey_id
                AND day = to_char(NEW.sent_at AT TIME ZONE 'UTC', 'YYYY-MM-DD');
        END IF;
        RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER ask_count_insert AFTER INSERT ON invitation FOR EACH ROW WHEN (NEW.sent_at IS NOT NULL) "
    "EXECUTE FUNCTION forget_ask_count()",
    "CREATE TRIGGER ask_count_delete AFTER DELETE ON invitation FOR EACH ROW WHEN (OLD.sent_at IS NOT NULL) "
    "EXECUTE FUNCTION forget_ask_count()",
    "CREATE TRIGGER ask_count_update AFTER UPDATE OF survey_id, sent_at, answered_at ON invitation FOR EACH ROW "
    "WHEN (OLD.sent_at IS DISTINCT FROM NEW.sent_at OR OLD.answered_at IS DISTINCT FROM NEW.answered_at "
    "OR OLD.survey_id <> NEW.survey_id) EXECUTE FUNCTION forget_ask_count()",
)


def up(migrator, db):
    db.create_tables(tables(db))
    for statement in _ON_SQLITE if isinstance(db, SqliteDatabase) else _ON_POSTGRES:
        db.execute_sql(statement)


def down(migrator, db):
    on_sqlite = isinstance(db, SqliteDatabase)
    for name in ("ask_count_insert", "ask_count_delete", "ask_count_update"):
        db.execute_sql(f"DROP TRIGGER {name}" + ("" if on_sqlite else " ON invitation"))
    if not on_sqlite:
        db.execute_sql("DROP FUNCTION forget_ask_count()")
    db.drop_tables(tables(db))
