"""More is counted by day: what becomes of comments, and topics with how people feel about them. The nearest comments of
a topic and the newest people are found without sorting all of them."""


def up(migrator, db):
    """What was counted is counted anew by the worker: periods that are kept would say that nobody commented."""
    db.execute_sql("DELETE FROM segment_count")
    db.execute_sql("DELETE FROM segment_period")
    db.execute_sql('DROP INDEX IF EXISTS "placement_topic_id_closeness"')
    db.execute_sql(
        'CREATE INDEX "placement_topic_id_closeness_response_key" '
        'ON "placement" ("topic_id", "closeness", "response_key")'
    )
    db.execute_sql('CREATE INDEX "person_newest" ON "person" ("created_at", "id")')


def down(migrator, db):
    """What was counted besides is dropped with the rest, and counted anew."""
    db.execute_sql("DELETE FROM segment_count")
    db.execute_sql("DELETE FROM segment_period")
    db.execute_sql('DROP INDEX "person_newest"')
    db.execute_sql('DROP INDEX "placement_topic_id_closeness_response_key"')
    db.execute_sql('CREATE INDEX "placement_topic_id_closeness" ON "placement" ("topic_id", "closeness")')
