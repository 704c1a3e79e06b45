"""A topic's free word becomes a status, and the word of before stands in its history."""

import importlib

from feedback.models import Topic, TopicStatus
from surveys.base import clock, db

migration = importlib.import_module("migrations.0027_topic_status")


def test_words_of_before_become_statuses_with_a_line_of_history(world):
    for id_, status in {"a": "active", "b": "in progress", "c": "planned", "d": "wontfix"}.items():
        Topic.insert(id=id_, label=id_, status=status, created_at=clock.now()).execute()
    with db.database.atomic():
        # As before 0027, whose tables are empty.
        for table in ("read_comment", "topic_status"):
            db.database.execute_sql(f"DROP TABLE {table}")
        migration.up(None, db.database.obj)
    assert dict(Topic.select(Topic.id, Topic.status).tuples()) == {
        "a": "new",
        "b": "seen",
        "c": "planned",
        "d": "seen",
    }
    lines = TopicStatus.select().order_by(TopicStatus.topic)
    told = [(line.topic_id, line.former, line.status, line.made_by) for line in lines]
    assert told == [("b", "in progress", "seen", None), ("d", "wontfix", "seen", None)]
    assert all(line.at <= clock.now() for line in lines)
    with db.database.atomic():
        migration.down(None, db.database.obj)
        assert dict(Topic.select(Topic.id, Topic.status).tuples()) == {
            "a": "active",
            "b": "in progress",
            "c": "planned",
            "d": "wontfix",
        }
        migration.up(None, db.database.obj)
