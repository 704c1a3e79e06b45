"""Earshot's own path written naively: one Peewee transaction a request, every query built anew."""

from typing import Any

from flask import Flask

import wsgi
from surveys.base import db


def create_app() -> Flask:
    """The application with `db.write` and the statements made once taken out."""
    db.write = _one_transaction  # type: ignore[assignment]
    db.Prepared.__call__ = _built_each_time  # type: ignore[method-assign]
    return wsgi.create_app()


def _one_transaction(verb: Any) -> Any:
    with db.database.atomic():
        return verb()


def _built_each_time(self: db.Prepared, **values: Any) -> Any:
    sql, parameters = self._build().sql()
    filled = [values[p.name] if isinstance(p, db._Slot) else p for p in parameters]
    return db.database.execute_sql(sql, filled)
