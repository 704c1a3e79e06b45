"""How many were asked and answered is read from an index alone: the overview counts a year of asks for each survey."""


def up(migrator, db):
    db.execute_sql(
        'CREATE INDEX "invitation_survey_id_sent_at_answered_at" '
        'ON "invitation" ("survey_id", "sent_at", "answered_at")'
    )
    db.execute_sql('DROP INDEX IF EXISTS "invitation_survey_id_sent_at"')


def down(migrator, db):
    db.execute_sql('CREATE INDEX "invitation_survey_id_sent_at" ON "invitation" ("survey_id", "sent_at")')
    db.execute_sql('DROP INDEX "invitation_survey_id_sent_at_answered_at"')
