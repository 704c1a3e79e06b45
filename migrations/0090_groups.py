"""The group stands in the indexes of agents, teams and touchpoints: the feed of an agent's detractors passes over all
others without looking up their rows. Asks that were answered have an index of their own: the overview counts a year of
them for each survey."""

_COLUMNS = ("agent_id", "team_id", "touchpoint")


def up(migrator, db):
    for column in _COLUMNS:
        _make(db, column, '"key", "score_group"')
    db.execute_sql(
        'CREATE INDEX "invitation_answered" ON "invitation" ("survey_id", "sent_at") '
        'WHERE ("answered_at" IS NOT NULL)'
    )


def down(migrator, db):
    for column in _COLUMNS:
        _make(db, column, '"key"')
    db.execute_sql('DROP INDEX "invitation_answered"')


def _make(db, column, behind):
    db.execute_sql(f'DROP INDEX IF EXISTS "response_{column}"')
    db.execute_sql(
        f'CREATE INDEX "response_{column}" ON "response" ("{column}", {behind}) WHERE ("{column}" IS NOT NULL)'
    )
