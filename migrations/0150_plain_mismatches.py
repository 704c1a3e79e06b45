"""Fewer answers contradict themselves: only where words and score are plainly apart."""


def up(migrator, db):
    """What was counted is counted anew by the worker."""
    db.execute_sql("DELETE FROM segment_count")
    db.execute_sql("DELETE FROM segment_period")


def down(migrator, db):
    """As before, what was counted is counted anew."""
    db.execute_sql("DELETE FROM segment_count")
    db.execute_sql("DELETE FROM segment_period")
