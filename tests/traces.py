"""What a database still holds, for tests of erasing; and a row in every table for somebody to be erased."""

import uuid
from pathlib import Path
from typing import Any

import peewee

from surveys.base import clock, db
from surveys.models import Person, Response, Survey

#: Values of columns in which not every word will do.
GIVEN: dict[str, Any] = {
    "topic.names": {},
    "theme.names": {},
    "person.verified": True,
    "invitation.status": "sent",
    "invitation.channel": "email",
    "trigger.decision": "scheduled",
    "follow_up.status": "solved",
    "job.kind": "nothing to do",
    "job.state": "done",
    "triage.state": "done",
    "letter.state": "sent",
    "letter.answer": "fixed",
    "own_word.answer": "fixed",
    "member.role": "viewer",
}


def bytes_of(world: Any) -> bytes:
    """All that the database holds, as it lies on the disk (SQLite) or in its text columns (PostgreSQL)."""
    if world.kind == "sqlite":
        path = Path(world.environment["DATA_DIR"])
        return b"".join(file.read_bytes() for file in path.glob("earshot.db*"))
    rows = db.database.execute_sql(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
    ).fetchall()
    dumps = [db.database.execute_sql(f'SELECT t::text FROM "{name}" AS t').fetchall() for (name,) in rows]
    return "\n".join(text for dump in dumps for (text,) in dump).encode()


def personal() -> list[type[db.Table]]:
    """The tables whose rows are about somebody, parents first; queues and kept answers are not among them."""
    return [table for table in db.registered() if db.about(table) in ("person", "invitation", "response")]


class Somebody:
    """A person with a row in every table, every column of which is filled; every text holds `mark`."""

    def __init__(self, world: Any, mark: str) -> None:
        self.mark, self.email = mark, f"{mark}@example.com"
        self.rows: dict[Any, Any] = {Survey: world.make.survey().id}
        for table in db.registered():
            if db.about(table) is not None:
                self._row(table)
        self.id: str = self.rows[Person]

    def where(self, table: type[db.Table]) -> Any:
        """The condition on this person's row."""
        return table._meta.primary_key == self.rows[table]  # type: ignore[attr-defined]

    def stored(self) -> dict[str, list[Any]]:
        """All rows of this person as they are, by table, but for when their response was last touched."""
        found = {
            table.__name__: list(table.select().where(self.where(table)).dicts())
            for table in db.registered()
            if db.about(table) is not None
        }
        for row in found["Response"]:
            for name in ("version", "changed_tick", "updated_at"):
                del row[name]
        return found

    def _row(self, table: type[db.Table]) -> Any:
        meta: Any = table._meta
        values = {
            field: self._value(table, field)
            for field in meta.sorted_fields
            if not isinstance(field, peewee.AutoField)
        }
        made = table.insert(values).execute()
        key = meta.primary_key
        if isinstance(key, peewee.CompositeKey):
            self.rows[table] = tuple(values[meta.fields[name]] for name in key.field_names)
        else:
            self.rows[table] = values.get(key, made)
        return self.rows[table]

    def _value(self, table: type[db.Table], field: peewee.Field) -> Any:
        name = f"{table._meta.table_name}.{field.name}"  # type: ignore[attr-defined]
        # What a row of theirs refers to, a topic for example, is not about them.
        mark = self.mark if db.about(table) else f"common {uuid.uuid4()}"
        if name in GIVEN:
            return GIVEN[name]
        if isinstance(field, peewee.ForeignKeyField):
            return self.rows[field.rel_model] if field.rel_model in self.rows else self._row(field.rel_model)
        if db.about(table) == "response" and field.name == "key":
            return self.rows[Response]
        if name in ("response.id", "letter.id"):
            # What is left of an erased answer is its id and, until its job is tidied away, those of letters about it.
            return str(uuid.uuid4())
        if field.name == "email" and db.about(table):
            return self.email
        if isinstance(field, db.UTCField):
            return clock.now()
        if isinstance(field, peewee.JSONField):
            return {"to": self.email, mark: [mark]} if db.about(table) else []
        if isinstance(field, peewee.BooleanField):
            return False
        if isinstance(field, (peewee.IntegerField, peewee.DoubleField)):
            return clock.microseconds(clock.now()) if field.primary_key else 1
        if table._meta.table_name == "idempotent_call" and field.name == "answer":  # type: ignore[attr-defined]
            return f'{{"id": "{self.rows[Person]}", "name": "{self.mark}"}}'
        return f"{mark} {name}"
