"""Whoever is known and said something is found in an index alone: whom to tell of a topic are some of them."""


def up(migrator, db):
    db.execute_sql(
        'CREATE INDEX "response_spoken" ON "response" ("key", "person_id", "contact") '
        'WHERE (((("person_id" IS NOT NULL) AND ("comment" IS NOT NULL)) AND NOT "test") AND NOT "excluded")'
    )


def down(migrator, db):
    db.execute_sql('DROP INDEX "response_spoken"')
