"""Surveys that were answered when every point of their scale was a word keep their words.

Stars, faces and thumbs are drawn from now on. People may answer a drawing differently, so whoever wants one for a
survey that has answers says so, which begins a new definition.
"""

import json

from peewee import SqliteDatabase

ANSWERED = """
    SELECT id, widget FROM survey WHERE metric IN ('csat', 'smileys', 'stars', 'thumbs')
    AND EXISTS (SELECT 1 FROM response WHERE response.survey_id = survey.id)
"""


def up(migrator, db):
    _rewrite(db, lambda widget: {"scale": "words", **widget})


def down(migrator, db):
    """A scale that was chosen since is lost."""
    _rewrite(db, lambda widget: {name: value for name, value in widget.items() if name != "scale"})


def _rewrite(db, change):
    on_sqlite = isinstance(db, SqliteDatabase)
    update = (
        "UPDATE survey SET widget = ? WHERE id = ?"
        if on_sqlite
        else "UPDATE survey SET widget = %s WHERE id = %s"
    )
    for id, widget in db.execute_sql(ANSWERED).fetchall():
        if on_sqlite:
            widget = json.loads(widget)
        # What an earlier version took in another form is nobody's look.
        if isinstance(widget, dict):
            db.execute_sql(update, (json.dumps(change(widget), separators=(",", ":")), id))
