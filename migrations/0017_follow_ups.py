"""Follow-ups become cases: whom they are about, why, by when, and all answers that belong to them; opening hours.

Nothing wrote follow-ups so far but by hand. Of several open ones of a person the first stays, the others join it.
"""

import functools
import json

import peewee
from peewee import SQL, BigIntegerField, DoubleField, Field, IntegerField, Model, SqliteDatabase, TextField

#: Rows that are carried over together.
BATCH = 500

_DUMPS = functools.partial(json.dumps, ensure_ascii=False, separators=(",", ":"))

BEFORE = """
CREATE TABLE follow_up_before AS
SELECT f.id, f.response_key, f.status, f.created_at, f.closed_at, r.person_id
FROM follow_up f JOIN response r ON r.key = f.response_key
"""
READ = "SELECT * FROM follow_up_before WHERE (created_at, id) > (?, ?) ORDER BY created_at, id LIMIT ?"
FIRST = "SELECT * FROM follow_up_before ORDER BY created_at, id LIMIT ?"

AGAIN = """
INSERT INTO follow_up (id, response_key, status, created_at, closed_at)
SELECT f.id, (SELECT min(l.response_key) FROM follow_up_response l WHERE l.follow_up_id = f.id),
    CASE WHEN f.closed_at IS NULL THEN 'open' ELSE 'closed' END, f.opened_at, f.closed_at
FROM follow_up_before f WHERE EXISTS (SELECT 1 FROM follow_up_response l WHERE l.follow_up_id = f.id)
"""


class UTCField(Field):
    """TIMESTAMPTZ, or on SQLite RFC 3339 text of fixed width."""

    field_type = "UTC"


def tables(db):
    """What this migration makes, as it was when it was written: before, and since."""
    db._field_types = {**db._field_types, "UTC": "TEXT" if isinstance(db, SqliteDatabase) else "TIMESTAMPTZ"}

    class Table(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class JSONField(peewee.JSONField):
        def __init__(self, **options):
            super().__init__(dumps=_DUMPS, **options)

    class Person(Table):
        id = TextField(primary_key=True)

    class Response(Table):
        key = BigIntegerField(primary_key=True)

    class Former(Table):
        id = TextField(primary_key=True)
        response = peewee.ForeignKeyField(
            Response, unique=True, on_delete="CASCADE", column_name="response_key"
        )
        status = TextField(default="open")
        created_at = UTCField()
        closed_at = UTCField(null=True)

        class Meta:
            table_name = "follow_up"
            indexes = ((("status", "response"), False),)

    class OpeningHours(Table):
        id = IntegerField(primary_key=True)
        time_zone = TextField(null=True)
        open = JSONField()
        holidays = JSONField()
        answer_within_hours = DoubleField()
        solve_within_hours = DoubleField()
        lead = TextField(null=True)
        updated_at = UTCField()

        class Meta:
            table_name = "opening_hours"

    class FollowUp(Table):
        id = TextField(primary_key=True)
        person = peewee.ForeignKeyField(
            Person, null=True, on_delete="CASCADE", column_name="person_id", index=False
        )
        rule = TextField()
        status = TextField()
        priority = IntegerField(default=0)
        owner = TextField(null=True)
        reason = TextField(null=True)
        steps = JSONField(default=list)
        waits = JSONField(default=list)
        history = JSONField(default=list)
        opened_at = UTCField(index=True)
        first_answer_at = UTCField(null=True)
        asked_at = UTCField(null=True)
        closed_at = UTCField(null=True)
        answer_due_at = UTCField(null=True)
        answer_why = TextField()
        solve_due_at = UTCField(null=True)
        solve_why = TextField()

        class Meta:
            table_name = "follow_up"
            constraints = [
                SQL(
                    "CHECK (status IN ('new', 'handled', 'waiting', 'asked', 'solved', 'unconfirmed', 'given_up'))"
                ),
                SQL("CHECK ((status IN ('solved', 'unconfirmed', 'given_up')) = (closed_at IS NOT NULL))"),
            ]

    FollowUp.add_index(
        FollowUp.person,
        name="follow_up_open",
        unique=True,
        where=FollowUp.closed_at.is_null() & FollowUp.person.is_null(False),
    )
    FollowUp.add_index(FollowUp.person, name="follow_up_person", where=FollowUp.person.is_null(False))

    class FollowUpResponse(Table):
        response = peewee.ForeignKeyField(
            Response, primary_key=True, on_delete="CASCADE", column_name="response_key"
        )
        follow_up = peewee.ForeignKeyField(FollowUp, on_delete="CASCADE", column_name="follow_up_id")
        rule = TextField()
        joined_at = UTCField()

        class Meta:
            table_name = "follow_up_response"

    return Former, OpeningHours, FollowUp, FollowUpResponse


def up(migrator, db):
    former, hours, follow_up, joined = tables(db)
    db.execute_sql(f'ALTER TABLE survey ADD COLUMN "open_follow_ups" {json_type(db)}')
    db.execute_sql(BEFORE)
    db.drop_tables([former])
    db.create_tables([hours, follow_up, joined])
    cases: dict = {}
    rows = db.execute_sql(placed(db, FIRST), (BATCH,)).fetchall()
    while rows:
        for row in rows:
            carry_over(row, follow_up, joined, cases)
        rows = db.execute_sql(placed(db, READ), (rows[-1][3], rows[-1][0], BATCH)).fetchall()
    db.execute_sql("DROP TABLE follow_up_before")


def down(migrator, db):
    """What a case has more than its first answer, and the opening hours, is lost."""
    former, hours, follow_up, joined = tables(db)
    db.execute_sql("CREATE TABLE follow_up_before AS SELECT id, opened_at, closed_at FROM follow_up")
    db.execute_sql(
        "CREATE TABLE follow_up_joined AS SELECT response_key, follow_up_id FROM follow_up_response"
    )
    db.drop_tables([joined, follow_up, hours])
    db.create_tables([former])
    db.execute_sql(AGAIN.replace("follow_up_response", "follow_up_joined"))
    db.execute_sql("DROP TABLE follow_up_before")
    db.execute_sql("DROP TABLE follow_up_joined")
    db.execute_sql('ALTER TABLE survey DROP COLUMN "open_follow_ups"')


def carry_over(row, follow_up, joined, cases):
    """One follow-up of before; `cases`: the open one of each person so far."""
    id_, response_key, _, created_at, closed_at, person = row
    case = cases.get(person) if person and closed_at is None else None
    if case is None:
        follow_up.insert(
            id=id_,
            person=person,
            rule="by_hand",
            status="new" if closed_at is None else "unconfirmed",
            opened_at=created_at,
            closed_at=closed_at,
            answer_why="opened before there were opening hours",
            solve_why="opened before there were opening hours",
        ).execute()
        case = id_
        if person and closed_at is None:
            cases[person] = id_
    joined.insert(response=response_key, follow_up=case, rule="by_hand", joined_at=created_at).execute()


def json_type(db):
    """What JSON is kept in."""
    return "TEXT" if isinstance(db, SqliteDatabase) else "JSONB"


def placed(db, sql):
    """A statement with the database's own placeholders."""
    return sql if isinstance(db, SqliteDatabase) else sql.replace("?", "%s")
