"""The lineage of topics keeps the names of its time, and merged topics lead to the one that stands.

Lines from before get the name of today where their topic was not renamed since; else the name is not known.
"""

from peewee import Model, TextField

COLUMNS = ("label", "other_label", "former_label")

NAMED = """
UPDATE topic_change SET {name} = (SELECT topic.label FROM topic WHERE topic.id = topic_change.{topic})
WHERE NOT EXISTS (
    SELECT 1 FROM topic_change later
    WHERE later.topic_id = topic_change.{topic} AND later.kind = 'renamed' AND later.id > topic_change.id
)
"""


def up(migrator, db):
    for name in COLUMNS:
        db.execute_sql(f'ALTER TABLE topic_change ADD COLUMN "{name}" TEXT')
    for name, whose in (("label", "topic_id"), ("other_label", "other")):
        db.execute_sql(NAMED.format(name=name, topic=whose))
    straighten(table(db))


def down(migrator, db):
    """The names are lost."""
    for name in reversed(COLUMNS):
        db.execute_sql(f'ALTER TABLE topic_change DROP COLUMN "{name}"')


def table(db):
    """Topics as far as they are needed here; there are some hundreds."""

    class Topic(Model):
        id = TextField(primary_key=True)
        merged_into = TextField(null=True)

        class Meta:
            database = db

    return Topic


def straighten(topics):
    """Let each merged topic name the one that stands; one that leads into a circle stays as it is."""
    merged = dict(
        topics.select(topics.id, topics.merged_into).where(topics.merged_into.is_null(False)).tuples()
    )
    for id_, into in merged.items():
        seen = {id_}
        last = into
        while last in merged and last not in seen:
            seen.add(last)
            last = merged[last]
        if last not in seen and last != into:
            topics.update(merged_into=last).where(topics.id == id_).execute()
