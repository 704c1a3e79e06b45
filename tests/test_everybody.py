"""Promise P6 on somebody who has a row in every table there is: told all of it, and gone from all of it."""

import json

import peewee
import pytest

from surveys.base import db
from surveys.models import Invitation, Person, Response
from tests.traces import Somebody, bytes_of, personal

#: Tables that hold nothing about any one person. A new table is named here, or says what it is about (`Meta.about`).
IMPERSONAL = {
    "api_key",
    "attempt",
    "audit_entry",
    "benchmark",
    "clock",
    "connection",
    "daily_count",
    "definition",
    "digest",
    "erased",
    "goal",
    "issue_event",
    "learnt",
    "member",
    "notice_rule",
    "one_time_link",
    "opening_hours",
    "pin",
    "recovery_code",
    "refused_origin",
    "saved_feed",
    "scanned_domain",
    "second_factor_rule",
    "ask_count",
    "segment_count",
    "segment_period",
    "session",
    "survey",
    "team_tag",
    "tombstone",
    "tracker",
    "topic_issue",
    "brand",
    "logo",
    "loop",
    "loop_list",
    "lost_look",
    "public_card",
    "reader",
    "theme",
    "theme_change",
    "topic",
    "topic_change",
    "topic_review",
    "topic_status",
    "webhook",
    "webhook_delivery",
    "webhook_total",
}

ANN, BOB = "zzannmark", "zzbobmark"


@pytest.fixture
def ann(world):
    return Somebody(world, ANN)


@pytest.fixture
def bob(world):
    return Somebody(world, BOB)


def test_every_table_says_whether_it_is_about_people():
    assert {table._meta.table_name for table in db.registered() if db.about(table) is None} == IMPERSONAL


def test_no_table_refers_to_people_without_saying_so():
    for table in db.registered():
        kinds = {
            field.rel_model
            for field in table._meta.sorted_fields
            if isinstance(field, peewee.ForeignKeyField)
        }
        assert db.about(table) or not kinds & {Person, Invitation, Response}, table.__name__


def export_by_api(world, api, person_id):
    return api.get(f"/api/people/{person_id}/export")


def export_by_command(world, api, person_id):
    done = world.app.test_cli_runner().invoke(args=["export", "--person", person_id])
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


@pytest.mark.parametrize("export", [export_by_api, export_by_command])
def test_an_export_tells_every_column_of_every_table_and_of_nobody_else(world, api, ann, bob, export):
    told = export(world, api, ann.id)
    assert told["people"] == [ann.id]
    assert set(told["tables"]) == {table._meta.table_name for table in personal()}
    for table in personal():
        [row] = told["tables"][table._meta.table_name]
        assert set(row) == {f.name for f in table._meta.sorted_fields if db.is_told(table, f)}
        assert None not in row.values()
    assert BOB not in json.dumps(told)


@pytest.mark.parametrize("secret", ["edit_key_hash", "fingerprint", "vector"])
def test_what_only_serves_the_service_is_not_told(api, ann, secret):
    assert f'"{secret}"' not in json.dumps(api.get(f"/api/people/{ann.id}/export"))


@pytest.mark.parametrize("how", ["api", "command"])
def test_erasing_leaves_nothing_of_them_and_all_of_others(world, api, ann, bob, how):
    before = bob.stored()
    assert all(rows for rows in ann.stored().values())
    if how == "api":
        api.delete(f"/api/people/{ann.id}")
    else:
        done = world.app.test_cli_runner().invoke(args=["erase", "--person", ann.id])
        assert done.exit_code == 0, done.output
    world.work()
    assert not any(ann.stored().values())
    assert ANN.encode() not in bytes_of(world)
    assert ann.id.encode() not in bytes_of(world)
    assert bob.stored() == before
