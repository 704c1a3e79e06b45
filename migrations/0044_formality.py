"""How a survey's standard words address respondents; null: as the service says, else as is usual in each language."""


def up(migrator, db):
    db.execute_sql('ALTER TABLE survey ADD COLUMN "formality" TEXT')


def down(migrator, db):
    """Surveys speak as is usual again."""
    db.execute_sql('ALTER TABLE survey DROP COLUMN "formality"')
