"""What happened to topics before gets its names where they are known, and merged topics lead to the last."""

import importlib

from feedback.models import Topic, TopicChange
from surveys.base import clock, db

migration = importlib.import_module("migrations.0006_lineage_names")


def again():
    with db.database.atomic():
        migration.down(None, db.database.obj)
        migration.up(None, db.database.obj)


def topic(id_, merged_into=None):
    Topic.insert(id=id_, label=id_.upper(), merged_into=merged_into, created_at=clock.now()).execute()


def line(kind, topic_id, other=None):
    TopicChange.insert(kind=kind, topic=topic_id, other=other, at=clock.now()).execute()


def test_names_are_kept_where_nobody_renamed_since(world):
    for id_ in "abc":
        topic(id_)
    for values in (
        ("found", "a"),
        ("found", "b"),
        ("renamed", "a"),
        ("split", "a", "c"),
        ("merged", "b", "a"),
    ):
        line(*values)
    again()
    told = TopicChange.select(TopicChange.label, TopicChange.other_label, TopicChange.former_label)
    assert list(told.order_by(TopicChange.id).tuples()) == [
        (None, None, None),
        ("B", None, None),
        ("A", None, None),
        ("A", "C", None),
        ("B", "A", None),
    ]


def test_merged_topics_name_the_one_that_stands(world):
    for id_, into in ("ab", "bc", "cd"):
        topic(id_, into)
    topic("d")
    for id_, into in ("xy", "yx", "zx"):
        topic(id_, into)
    again()
    merged = dict(Topic.select(Topic.id, Topic.merged_into).tuples())
    assert merged == {"a": "d", "b": "d", "c": "d", "d": None, "x": "y", "y": "x", "z": "x"}
