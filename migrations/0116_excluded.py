"""The few answers that are excluded or tests are found in an index: a feed of them walked through all others."""


def up(migrator, db):
    db.execute_sql('CREATE INDEX "response_excluded" ON "response" ("key") WHERE ("excluded" OR "test")')


def down(migrator, db):
    db.execute_sql('DROP INDEX "response_excluded"')
