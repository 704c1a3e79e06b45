"""Reasons why people may be lost are kept for each survey after the upgrade; none is lost on the way."""

import importlib

from surveys.base import db

migration = importlib.import_module("migrations.0066_lost_by_survey")


def test_a_reason_gets_the_survey_that_it_was_seen_in(world, make):
    first, second = (make.response(make.survey(), 3, person={"email": "ann@x.example"}) for _ in range(2))

    def kept():
        rows = db.database.execute_sql("SELECT * FROM lost_sign ORDER BY response_key").fetchall()
        return [{str(each) for each in row} for row in rows]

    def insert(columns, *values):
        places = ", ".join([db.database.param] * len(values))
        db.database.execute_sql(f"INSERT INTO lost_sign ({columns}) VALUES ({places})", values)

    common = ("fell", first.person_id, 3, "2026-11-27T12:00:00.000000Z")
    with db.database.atomic():
        migration.down(None, db.database.obj)
    insert("kind, person_id, points, at, response_key", *common, first.key)
    with db.database.atomic():
        migration.up(None, db.database.obj)
    assert [first.survey_id in row for row in kept()] == [True]
    insert("kind, person_id, points, at, response_key, survey_id", *common, second.key, second.survey_id)
    assert len(kept()) == 2
    with db.database.atomic():
        migration.down(None, db.database.obj)
    assert [str(second.key) in row for row in kept()] == [True]
