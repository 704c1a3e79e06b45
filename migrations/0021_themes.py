"""What stands above a topic is called its theme."""


def up(migrator, db):
    db.execute_sql('ALTER TABLE topic RENAME COLUMN "wider" TO "theme"')


def down(migrator, db):
    db.execute_sql('ALTER TABLE topic RENAME COLUMN "theme" TO "wider"')
