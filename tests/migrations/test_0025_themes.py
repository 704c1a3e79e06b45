"""What topics had as the label of their theme becomes a theme, and the other way round."""

import importlib

from feedback.models import Theme, Topic
from surveys.base import clock, db

migration = importlib.import_module("migrations.0025_themes")


def test_labels_become_themes_and_themes_labels(world):
    for at, theme in enumerate(("Money", "Money", "Delivery", None)):
        Topic.insert(id=f"top_{at}", label=str(at), theme=theme, created_at=clock.now()).execute()
    # A later step hangs its own table on them.
    db.database.execute_sql("DROP TABLE theme_change")
    with db.database.atomic():
        migration.down(None, db.database.obj)
        db.database.execute_sql(
            "UPDATE topic SET theme = CASE id WHEN 'top_2' THEN 'Delivery' WHEN 'top_3' THEN NULL ELSE 'Money' END"
        )
        migration.up(None, db.database.obj)
    themes = {row.id: row.label for row in Theme.select(Theme.id, Theme.label)}
    assert sorted(themes.values()) == ["Delivery", "Money"]
    assert all(id_.startswith("thm_") for id_ in themes)
    said = [row.theme and themes[row.theme] for row in Topic.select(Topic.theme).order_by(Topic.id)]
    assert said == ["Money", "Money", "Delivery", None]
    with db.database.atomic():
        migration.down(None, db.database.obj)
        rows = db.database.execute_sql("SELECT theme FROM topic ORDER BY id").fetchall()
        migration.up(None, db.database.obj)
    assert [theme for (theme,) in rows] == said
